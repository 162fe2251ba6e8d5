"""The whole, as a user runs it: two simulated days, a failing checkpoint, a new database, and a backfill begins.

One stack serves all tests of this folder, which therefore stand in the order of the days.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from datetime import date
from typing import Any

import pytest
from google.cloud import bigquery

from tests.e2e.checkout import Checkout
from tests.e2e.content import (
    Content,
    bigquery_content,
    columns_of,
    dump_in_mysql,
    hash_of,
    mysql_content,
)
from tests.e2e.days import BACKFILLED, BACKFILLED_DAYS, CHINOOK, DAY_1, DAY_2, Backfilled
from tests.support.recorded_sql import Analysis
from tributary import naming
from tributary.registry import load_registry

pytestmark = pytest.mark.timeout(1500)

REGISTRY = load_registry()
DATABASES = list(REGISTRY.databases)


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
            found[table] = mysql_content(cursor, table, definition, checkout.environment)
            for place, where in (
                (f"{database}.{table}", f"_dump_date = '{day}'"),
                (f"consolidated.{table}", f"_database = '{database}' and _dump_date = '{day}'"),
            ):
                # Marts may rename or convert a column; what has kept its name has kept its values.
                kept = columns_of(warehouse, place)
                columns = [column for column in definition.selected_columns if column in kept]
                assert set(definition.primary_key) <= set(columns), place
                assert len(columns) > len(definition.selected_columns) / 2, (place, columns)
                expected = mysql_content(cursor, table, definition, checkout.environment, columns)
                assert bigquery_content(warehouse, place, columns, where) == expected, place
            if history := contract.histories.get(table):
                as_of = f"_valid_from <= '{day}' and (_valid_to is null or _valid_to > '{day}')"
                versions = bigquery_content(warehouse, f"{database}.{history}", definition.selected_columns, as_of)
                assert versions == found[table], history
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


@pytest.mark.usefixtures("first_day")
def test_models_show_that_they_are_built_while_dbt_goes_on(checkout: Checkout):
    run_id = naming.run_id(date.fromisoformat(DAY_1))
    for dag_id in (naming.dag_id("shop_eu"), naming.CONSOLIDATE_DAG):
        tasks = {task["task_id"]: task for task in checkout.airflow.tasks(dag_id, run_id)}
        dbt = tasks[f"transform.{naming.DBT_PRODUCER}"]
        models = [task for name, task in tasks.items() if name.startswith("transform.") and name.endswith("_run")]
        assert len(models) > 5
        assert {task["state"] for task in models} == {"success"}
        # All were marked; Airflow does it after dbt's end, and counts a try.
        assert {task["try_number"] for task in models} == {0}
        assert all(task["end_date"] <= dbt["end_date"] for task in models), (dbt["end_date"], models)


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
    assert "last_name" in personal
    for dataset in ("raw__shop_eu", "shop_eu", "consolidated", "consolidated__audit"):
        for table in warehouse.list_tables(dataset):
            names = {field.name for field in warehouse.get_table(table.reference).schema}
            assert not names & personal, table.full_table_id


def test_no_address_of_a_customer_left_mysql(checkout: Checkout, warehouse: bigquery.Client):
    """In every dataset, of the quarantine and of `ops`, too, by their values: column names do not tell."""
    environment = checkout.environment
    with dump_in_mysql(environment, environment["TRIBUTARY_DUMPS_BUCKET"], f"shop_eu/{DAY_1}/shop_eu.sql.gz") as cursor:
        cursor.execute("select email from customers")
        addresses = [address for (address,) in cursor.fetchall()]
    assert len(addresses) > 20
    key = json.loads(environment["AIRFLOW_CONN_PERSONAL_DATA"])["password"].encode()
    hashes = {hash_of(address, key) for address in addresses}
    marts = checkout.query(f"select email from shop_eu.customers where _dump_date = '{DAY_1}'")
    assert {row["email"] for row in marts} == hashes
    for dataset in warehouse.list_datasets():
        for table in warehouse.list_tables(dataset.reference):
            rows = warehouse.query(f"select * from `{table.dataset_id}`.`{table.table_id}`").result()
            text = "\n".join(str(row.values()) for row in rows)
            leaked = [address for address in addresses if address in text]
            assert not leaked, f"{table.full_table_id}: {len(leaked)}"


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
    # It was not built again: its rows come from the version of the day before.
    built = checkout.query("select distinct _database as name from consolidated__audit.orders")
    assert {row["name"] for row in built} == {name for name in fresh if name.startswith("shop")}


def test_a_backfill_makes_a_run_for_each_of_its_days(
    checkout: Checkout, backfills: Future[list[Backfilled]], analysis: Future[Analysis]
):
    """They go on beside all tests that follow, as the analysis of the statements does."""
    assert set(checkout.runs(f"elt__{BACKFILLED}")) == set(BACKFILLED_DAYS)


@pytest.mark.parametrize("database", ["shop_eu", "shop_uk", "airport_lga"])
def test_the_second_day_is_the_second_dump(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client, database: str
):
    compare(checkout, warehouse, database, DAY_2)


def test_a_dump_that_nobody_described_reaches_its_dataset_by_one_command(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client
):
    done, _ = second_day
    state, in_dump, in_raw, in_marts, in_consolidated = table_row(done.stdout, "legacy")[1:6]
    assert (state, in_dump, in_raw, in_marts, in_consolidated) == ("success", "4", "4", "4", "")
    orders = checkout.query(
        "select id, customer_id, total = numeric '10.5' as is_ten_and_a_half, placed "
        f"from legacy.orders where _dump_date = '{DAY_2}' order by id"
    )
    assert orders == [
        {"id": 1, "customer_id": 1, "is_ten_and_a_half": True, "placed": "2020-01-01 10:00:00"},
        {"id": 2, "customer_id": 2, "is_ten_and_a_half": False, "placed": None},
    ]
    # The name and the photo are personal; the other one is a table without a key.
    assert columns_of(warehouse, "legacy.customers") == {"_dump_date", "id", "note"}
    assert columns_of(warehouse, "legacy.empty_table") == {"_dump_date", "id"}
    assert not checkout.query("select 1 from consolidated.databases where database = 'legacy'")


@pytest.mark.skipif(not CHINOOK.exists(), reason=f"needs the Chinook dump; CHINOOK_DUMP names it, looked at {CHINOOK}")
def test_a_dump_by_hand_reaches_its_dataset_by_one_command(
    checkout: Checkout, second_day: Any, warehouse: bigquery.Client
):
    done, _ = second_day
    assert table_row(done.stdout, "chinook")[1] == "success"
    tables = load_registry(checkout.folder / "include").databases["chinook"].contract.tables
    assert len(tables) == 11
    text = CHINOOK.read_text(encoding="utf-8")
    counts = (f"select '{table}' as name, count(*) as n from raw__chinook.{table}" for table in tables)
    rows = {row["name"]: row["n"] for row in checkout.query(" union all ".join(counts))}
    for table in tables:
        statements = re.findall(rf"INSERT INTO `{table}` .*?;\n", text, re.DOTALL)
        assert rows[table] > 0
        assert statements
    assert rows["Track"] == 3503
    marts = (f"select '{table}' as name, count(*) as n from chinook.{table}" for table in tables)
    assert {row["name"]: row["n"] for row in checkout.query(" union all ".join(marts))} == rows
    copied = columns_of(warehouse, "raw__chinook.Customer")
    assert "Country" in copied
    assert not {"FirstName", "LastName", "Email", "Phone", "Address"} & set(copied)
