"""What is published has the content of the marts as they landed, or nothing is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.published import land
from tests.support.services import LocalCloud
from tributary.consolidation import Plan
from tributary.errors import StageMismatchError
from tributary.hooks.clients import bigquery_client, ops_store
from tributary.ledger.reading import partition_contents
from tributary.publishing import publish

DAY = "2013-01-02"
APPS = {"tills": ["till_a", "till_b"]}
AS_OF = {"till_a": DAY, "till_b": "2013-01-01"}
COLUMNS = """
    _dump_date date, id int64, price numeric, ratio float64, is_open bool, sold_at datetime, seen timestamp,
    name string, tags array<string>
"""


@pytest.fixture
def run(cloud: LocalCloud) -> Callable[..., Any]:
    client = bigquery_client()
    return lambda *statements: [list(client.query(statement).result()) for statement in statements][-1]


@pytest.fixture
def audited(run: Callable[..., Any]) -> bigquery.Client:
    """Marts of two databases that have landed, and the audited tables that were built from them."""
    client, store = bigquery_client(), ops_store()
    for database, day in AS_OF.items():
        run(
            f"create schema if not exists {database}",
            f"create or replace table {database}.sales ({COLUMNS})",
            f"""
            insert into {database}.sales
            select cast(dump_date as date), n, cast(n as numeric) / 4, 0.1 * n, mod(n, 2) = 0,
                datetime '2013-01-01 10:00:00.000001', timestamp '2013-01-01 10:00:00+00',
                if(n = 3, null, concat('sale ', cast(n as string))), ['x']
            from unnest(generate_array(1, 4)) as n cross join unnest(['2013-01-01', '2013-01-02']) as dump_date
            """,
            f"create or replace table {database}.refunds (_dump_date date, id int64)",
        )
        store.record_contents(
            "marts", partition_contents(client, database, ["sales", "refunds"], day),
            database=database, dump_date=date.fromisoformat(day), run_id="run_1",
        )  # fmt: skip
        land(store, database, day, 1)
    run("create schema if not exists consolidated__audit")
    for mart in ("sales", "refunds"):
        parts = [
            f"select '{database}' as _database, * from {database}.{mart} where _dump_date = date '{day}'"
            for database, day in AS_OF.items()
        ]
        run(f"create or replace table consolidated__audit.{mart} as {' union all '.join(parts)}")
    run("drop table if exists consolidated.sales", "drop table if exists consolidated.refunds")
    return client


def plan() -> Plan:
    landed = ops_store().landed(date.fromisoformat(DAY))
    return Plan.made(DAY, landed, APPS, {"tills": "as they are"}, base=None)


def publish_all(client: bigquery.Client) -> Any:
    return publish(client, "US", run_id="run_1", apps=APPS, tables={"tills": ["sales", "refunds"]}, plan=plan(), keep=3)


def test_the_marts_content_is_published(audited: bigquery.Client, run: Callable[..., Any]):
    contents = publish_all(audited)
    for database, day in AS_OF.items():
        marts = partition_contents(audited, database, ["sales", "refunds"], day)
        assert contents[database] == marts
        assert contents[database]["sales"].rows == 4
        assert contents[database]["sales"].checksum
    assert contents["till_a"]["sales"] != contents["till_b"]["sales"]  # their days differ
    assert run("select count(*) as n from consolidated.sales")[0]["n"] == 8


@pytest.mark.parametrize(
    "change",
    [
        "update {} set name = 'sale 9' where id = 1 and _database = 'till_a'",
        "update {} set name = '' where id = 3 and _database = 'till_a'",
        "update {} set ratio = ratio + 0.000001 where id = 2 and _database = 'till_a'",
        "update {} set price = 0.26 where id = 1 and _database = 'till_a'",
        "update {} set id = if(id = 1, 2, 1) where id in (1, 2) and _database = 'till_a'",
        "update {} set _database = if(_database = 'till_a', 'till_b', 'till_a') where id = 1",
    ],
)
def test_other_content_is_not_published(audited: bigquery.Client, run: Callable[..., Any], change: str):
    run(change.replace("{}", "consolidated__audit.sales"))
    with pytest.raises(StageMismatchError, match=r"sales: the same 4 rows, but other content: .*Nothing was published"):
        publish_all(audited)
    with pytest.raises(Exception, match="Not found"):
        run("select * from consolidated.sales")


def test_a_new_column_of_the_marts_leaves_the_comparison_of_rows(
    audited: bigquery.Client, run: Callable[..., Any], caplog: pytest.LogCaptureFixture
):
    run("create or replace table consolidated__audit.sales as select *, 1 as extra from consolidated__audit.sales")
    with caplog.at_level("INFO"):
        publish_all(audited)
    assert "till_a: compared by rows only, as the columns differ: sales" in caplog.text


def test_a_mart_that_the_contract_no_longer_has_stops_nobody(audited: bigquery.Client):
    contents = publish(audited, "US", run_id="run_1", apps=APPS, tables={"tills": ["sales"]}, plan=plan(), keep=3)
    assert {name: list(tables) for name, tables in contents.items()} == {name: ["sales"] for name in AS_OF}


def test_marts_that_no_run_has_counted_are_not_published(audited: bigquery.Client, run: Callable[..., Any]):
    run("delete from ops.ledger_log where database = 'till_b' and table_name = 'sales'")
    with pytest.raises(StageMismatchError, match=r"sales: no such table in the marts of till_b, 4 rows in"):
        publish_all(audited)


def test_missing_tables_of_ops_are_made_before_they_are_read(run: Callable[..., Any]):
    """A crash while they are made leaves the later ones out: the guards must not be off for that."""
    store = ops_store()
    store.create_tables()
    run("drop view ops.ledger", "drop table ops.runs")
    assert store.previous_counts("dump", "till_a", date(2013, 1, 2)) == {}
    assert store.query("ops/mart_counts", wanted="[]") == []
    assert bigquery_client().get_table(f"{store.client.project}.ops.ledger").table_type == "VIEW"


def test_the_guards_look_at_what_landed(run: Callable[..., Any]):
    """And not at a dump of the same day that a later try refused."""
    store, first, second = ops_store(), date(2013, 1, 1), date(2013, 1, 2)
    of_run: dict[str, Any] = {"database": "till_c", "dump_date": first, "run_id": "run_1"}
    dump: dict[str, Any] = {"dump_uri": "gs://dumps/till_c.sql", "dump_generation": 1, "rows": 10_000}
    store.record_counts("dump", {"sales": 10_000, "refunds": 7}, **of_run)
    store.record_state("landed", **of_run, **dump)
    store.record_counts("dump", {"sales": 100}, **of_run)
    assert store.previous_counts("dump", "till_c", second) == {"sales": 10_000, "refunds": 7}
    store.record_state("landed", **of_run, **dump)
    assert store.previous_counts("dump", "till_c", second)["sales"] == 100
    assert store.previous_counts("dump", "till_c", first) == {}
