"""What happens to the stack on its days: the second one with a fault and new databases, and the backfills after it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from google.cloud import bigquery

from tests.e2e.checkout import Checkout
from tests.e2e.content import Content, bigquery_content, columns_of

DAY_1, DAY_2, DAY_3 = "2013-01-01", "2013-01-02", "2013-01-03"
CHINOOK = Path(os.environ.get("CHINOOK_DUMP", Path(__file__).parents[3] / "shared/data/chinook/Chinook_MySql.sql"))
# Not the database that the tests of the pages play with at the same time.
BACKFILLED = "airport_jfk"
BACKFILLED_DAYS = (DAY_1, DAY_2, DAY_3)


@dataclass(frozen=True)
class Backfilled:
    """How a backfill ended: the state of each day's run, and what the marts then hold of that day."""

    states: dict[str, str]
    flights: dict[str, Content]


def prepare_second_day(checkout: Checkout) -> None:
    """Break a price of shop_us, add a seventh database and, where its dump is there, a raw-only one."""
    checkout.simulator("break", "shop_us", "negative_price")
    checkout.simulator("add", "shop_uk", "--app", "retail")
    checkout.add_database("shop_uk", app="retail")
    if CHINOOK.exists():
        add_chinook(checkout)


def add_chinook(checkout: Checkout) -> None:
    """A hand-written dump with CREATE DATABASE and USE, by the contract that is inferred from it: raw layer only."""
    inferred = checkout.run("./tributary", "contract", "infer", str(CHINOOK), "--app", "chinook")
    (checkout.folder / "include" / "contracts" / "chinook.yaml").write_text(inferred.stdout)
    checkout.add_database("chinook", app="chinook", dump_pattern="{database}/{date}/*.sql")
    upload = (
        "import sys; from google.cloud import storage; "
        "storage.Client().bucket(sys.argv[1]).blob(sys.argv[2]).upload_from_filename(sys.argv[3])"
    )
    bucket = checkout.environment["TRIBUTARY_DUMPS_BUCKET"]
    checkout.run(checkout.python("airflow"), "-c", upload, bucket, f"chinook/{DAY_2}/Chinook.sql", str(CHINOOK))


def end_backfill_and_repeat_it(checkout: Checkout, warehouse: bigquery.Client) -> list[Backfilled]:
    """Wait for the backfill that has begun, then do it once more; how each of the two ended."""
    dag_id = f"elt__{BACKFILLED}"
    columns = sorted(columns_of(warehouse, f"{BACKFILLED}.flights"))

    def look(states: dict[str, str]) -> Backfilled:
        where = {day: f"_dump_date = '{day}'" for day in BACKFILLED_DAYS}
        table = f"{BACKFILLED}.flights"
        return Backfilled(
            states, {day: bigquery_content(warehouse, table, columns, of_day) for day, of_day in where.items()}
        )

    first = look(checkout.end_of_backfill(dag_id, BACKFILLED_DAYS, timeout=900))
    return [first, look(checkout.backfill(dag_id, BACKFILLED_DAYS, timeout=900))]
