"""The whole, as a user runs it: two simulated days, a failing checkpoint, a new database, a backfill.

One stack serves all tests of this folder, which therefore stand in the order of the days.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.e2e.checkout import Checkout
from tests.e2e.content import (
    Content,
    bigquery_content,
    columns_of,
    dump_in_mysql,
    mysql_content,
)
from tributary.registry import load_registry

pytestmark = pytest.mark.timeout(1500)

DAY_1, DAY_2, DAY_3 = "2013-01-01", "2013-01-02", "2013-01-03"
REGISTRY = load_registry()
DATABASES = list(REGISTRY.databases)
CHINOOK = Path(os.environ.get("CHINOOK_DUMP", Path(__file__).parents[3] / "shared/data/chinook/Chinook_MySql.sql"))


@pytest.fixture(scope="module")
def warehouse(checkout: Checkout, first_day: str) -> Iterator[bigquery.Client]:
    before = dict(os.environ)
    os.environ.update(checkout.environment)
    yield bigquery.Client(project="tributary-local", credentials=AnonymousCredentials(), location="US")
    os.environ.clear()
    os.environ.update(before)


def table_row(output: str, name: str) -> list[str]:
    """The cells of one row of the table at the end of `make run`."""
    for line in reversed(output.splitlines()):
        cells = [cell.strip() for cell in line.strip("│ ").split("│")]
        if cells[0] == name and len(cells) > 3:
            return cells
    raise AssertionError(f"no row {name} in:\n{output}")


def compare(checkout: Checkout, warehouse: bigquery.Client, database: str, day: str) -> dict[str, Content]:
    """Hold raw, marts and consolidated against the dump of a day; returns the dump's content by table."""
    name = f"{database}/{day}/{database}.sql.gz"
    contract = load_registry(checkout.folder / "include").databases[database].contract
    found = {}
    with dump_in_mysql(checkout.environment, checkout.environment["TRIBUTARY_DUMPS_BUCKET"], name) as cursor:
        for table, definition in contract.tables.items():
            found[table] = mysql_content(cursor, table, definition.selected_columns)
            for place, where in (
                (f"{database}.{table}", f"_dump_date = '{day}'"),
                (f"consolidated.{table}", f"_database = '{database}' and _dump_date = '{day}'"),
            ):
                # Marts may rename or convert a column; what has kept its name has kept its values.
                kept = columns_of(warehouse, place)
                columns = [column for column in definition.selected_columns if column in kept]
                assert set(definition.primary_key) <= set(columns), place
                assert len(columns) > len(definition.selected_columns) / 2, (place, columns)
                expected = mysql_content(cursor, table, columns)
                assert bigquery_content(warehouse, place, columns, where) == expected, place
    return found


def test_the_first_command_loads_six_databases(first_day: str):
    for database in DATABASES:
        cells = table_row(first_day, database)
        assert cells[1] == "success"
        assert int(cells[2].replace(",", "")) > 1000
        assert cells[2] == cells[3] == cells[4] == cells[5], cells
        assert int(cells[6]) > 40
        assert cells[7] == "0"
    assert table_row(first_day, "consolidate")[1] == "success"
    assert re.search(r"Airflow: http://127\.0\.0\.1:\d+ +user admin", first_day)


@pytest.mark.parametrize("database", DATABASES)
def test_a_database_in_consolidated_is_its_dump_by_content(
    checkout: Checkout, warehouse: bigquery.Client, database: str
):
    content = compare(checkout, warehouse, database, DAY_1)
    raw = {
        table: bigquery_content(warehouse, f"raw__{database}.{table}", definition.selected_columns)
        for table, definition in REGISTRY.databases[database].contract.tables.items()
    }
    assert raw == content


@pytest.mark.parametrize("stages", [("staging", "raw"), ("marts", "consolidated")])
def test_stages_that_must_agree_have_the_same_checksums(checkout: Checkout, first_day: str, stages: tuple[str, str]):
    rows = checkout.query(
        "select database, table_name, stage, checksum from ops.ledger "
        f"where dump_date = '{DAY_1}' and stage in {stages}"
    )
    first, second = (
        {(row["database"], row["table_name"]): row["checksum"] for row in rows if row["stage"] == stage}
        for stage in stages
    )
    assert first == second
    assert {database for database, _ in first} == set(DATABASES)
    assert all(first.values())
    assert len(rows) == len(first) + len(second)


def test_no_personal_column_left_mysql(warehouse: bigquery.Client, checkout: Checkout):
    personal = {
        column
        for contract in REGISTRY.contracts.values()
        for table in contract.tables.values()
        for column in table.columns
        if column not in table.selected_columns
    }
    assert "email" in personal
    for dataset in ("raw__shop_eu", "shop_eu", "consolidated", "consolidated__audit"):
        for table in warehouse.list_tables(dataset):
            names = {field.name for field in warehouse.get_table(table.reference).schema}
            assert not names & personal, table.full_table_id


@pytest.fixture(scope="module")
def second_day(checkout: Checkout, warehouse: bigquery.Client) -> Any:
    """A price of shop_us is broken, a seventh database and a raw-only one are added; then the next day."""
    before = checkout.query("select * from consolidated.orders where _database = 'shop_us' order by order_id")
    checkout.simulator("break", "shop_us", "negative_price")
    checkout.simulator("add", "shop_uk", "--app", "retail")
    checkout.add_database("shop_uk", app="retail")
    if CHINOOK.exists():
        add_chinook(checkout)
    done = checkout.run("make", "run", check=False)
    return done, before


def add_chinook(checkout: Checkout) -> None:
    """A hand-written dump with CREATE DATABASE and USE, added by configuration alone: raw layer only."""
    text = CHINOOK.read_text(encoding="utf-8")
    tables = re.findall(r"CREATE TABLE `(\w+)`\s*\((.*?)\n\);", text, re.DOTALL)
    lines = ["app: chinook", "raw_only: true", "completion_line: false", "own_database_statements: true"]
    lines += ["source_name: Chinook", "tables:"]
    for name, body in tables:
        key = re.search(r"PRIMARY KEY\s+\((.*?)\)", body)
        assert key, name
        lines += [f"  {name}:", f"    primary_key: [{key[1].replace('`', '')}]", "    columns:"]
        for column, kind, null in re.findall(r"^\s+`(\w+)` ([A-Z]+(?:\([\d,]+\))?)( NOT NULL)?", body, re.MULTILINE):
            kind = kind.lower().replace("nvarchar", "varchar").replace("numeric", "decimal")
            lines.append(f'      {column}: {{type: "{kind}", nullable: {str(not null).lower()}}}')
    (checkout.folder / "include" / "contracts" / "chinook.yaml").write_text("\n".join(lines) + "\n")
    checkout.add_database("chinook", app="chinook", dump_pattern="{database}/{date}/*.sql")
    upload = (
        "import sys; from google.cloud import storage; "
        "storage.Client().bucket(sys.argv[1]).blob(sys.argv[2]).upload_from_filename(sys.argv[3])"
    )
    bucket = checkout.environment["TRIBUTARY_DUMPS_BUCKET"]
    checkout.run(checkout.python("airflow"), "-c", upload, bucket, f"chinook/{DAY_2}/Chinook.sql", str(CHINOOK))


def test_a_failed_checkpoint_stops_its_database_before_the_marts(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client
):
    done, before = second_day
    assert done.returncode != 0
    assert table_row(done.stdout, "shop_us")[1].startswith("failed")
    assert "shop_us: failed at validate_raw" in done.stdout
    days = checkout.query("select distinct _dump_date as day from shop_us.orders")
    assert [row["day"] for row in days] == [DAY_1]
    after = checkout.query("select * from consolidated.orders where _database = 'shop_us' order by order_id")
    assert before
    assert after == before
    (failure,) = checkout.query(
        "select table_name, column_name, unexpected_count, array_length(sample_keys) as keys "
        "from ops.quality_results where database = 'shop_us' and status = 'failed'"
    )
    assert failure == {"table_name": "products", "column_name": "price", "unexpected_count": 1, "keys": 1}


def test_the_other_databases_are_fresh_and_the_broken_one_is_stale(checkout: Checkout, second_day: Any):
    rows = checkout.query("select database, as_of, stale from consolidated.databases")
    state = {row["database"]: (row["as_of"], row["stale"]) for row in rows}
    fresh = [*(name for name in DATABASES if name != "shop_us"), "shop_uk"]
    assert state == {**dict.fromkeys(fresh, (DAY_2, False)), "shop_us": (DAY_1, True)}


@pytest.mark.parametrize("database", ["shop_eu", "shop_uk", "airport_lga"])
def test_the_second_day_is_the_second_dump(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client, database: str
):
    compare(checkout, warehouse, database, DAY_2)


@pytest.mark.skipif(not CHINOOK.exists(), reason=f"needs the Chinook dump; CHINOOK_DUMP names it, looked at {CHINOOK}")
def test_a_hand_written_dump_reaches_raw_by_configuration_alone(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client
):
    done, _ = second_day
    assert table_row(done.stdout, "chinook")[1] == "success"
    tables = load_registry(checkout.folder / "include").databases["chinook"].contract.tables
    assert len(tables) == 11
    text = CHINOOK.read_text(encoding="utf-8")
    for table in tables:
        statements = re.findall(rf"INSERT INTO `{table}` .*?;\n", text, re.DOTALL)
        rows = checkout.query(f"select count(*) as n from raw__chinook.{table}")[0]["n"]
        assert rows > 0
        assert statements
    assert checkout.query("select count(*) as n from raw__chinook.Track")[0]["n"] == 3503


def test_a_backfill_gives_each_day_its_own_dump_and_again_the_same(checkout: Checkout, warehouse: bigquery.Client):
    days = (DAY_1, DAY_2, DAY_3)
    checkout.simulator("advance", "--databases", "airport_jfk")
    columns = sorted(columns_of(warehouse, "airport_jfk.flights"))

    def by_day() -> dict[str, Content]:
        return {
            day: bigquery_content(warehouse, "airport_jfk.flights", columns, f"_dump_date = '{day}'") for day in days
        }

    assert set(checkout.backfill("elt__airport_jfk", days).values()) == {"success"}
    first = by_day()
    for day, content in first.items():
        name = f"airport_jfk/{day}/airport_jfk.sql.gz"
        with dump_in_mysql(checkout.environment, checkout.environment["TRIBUTARY_DUMPS_BUCKET"], name) as cursor:
            cursor.execute("select count(*) from flights")
            assert content.rows == cursor.fetchone()[0], day
    assert first[DAY_1].rows < first[DAY_2].rows < first[DAY_3].rows
    assert set(checkout.backfill("elt__airport_jfk", days).values()) == {"success"}
    assert by_day() == first
