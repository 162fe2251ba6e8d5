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
# By the names that the registry gives them: a dump of a server's own program with every kind of object, in which the
# database has another name, and one by hand with CREATE DATABASE and USE.
UNDESCRIBED = {"legacy": Path(__file__).parents[1] / "unit/dumps/data/mariadb_10_11.sql", "chinook": CHINOOK}
# Not the database that the tests of the pages play with at the same time.
BACKFILLED = "airport_jfk"
BACKFILLED_DAYS = (DAY_1, DAY_2, DAY_3)


@dataclass(frozen=True)
class Backfilled:
    """How a backfill ended: the state of each day's run, and what the marts then hold of that day."""

    states: dict[str, str]
    flights: dict[str, Content]


def prepare_second_day(checkout: Checkout) -> None:
    """Break a price of shop_us, add a seventh database, and those that nobody described."""
    checkout.simulator("break", "shop_us", "negative_price")
    checkout.simulator("add", "shop_uk", "--app", "retail")
    checkout.add_database("shop_uk", app="retail")
    for name, dump in UNDESCRIBED.items():
        if dump.exists():
            checkout.run("./tributary", "add-database", name, "--dump", str(dump), "--upload-as", DAY_2, "--yes")


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
