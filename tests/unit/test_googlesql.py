"""What Google's analyzer says of every file below include/sql, and that it takes nothing which is DuckDB's alone."""

from __future__ import annotations

from string import Template

import pytest

from tests.support.googlesql import GoogleSql, told
from tests.support.recorded_sql import files_of
from tests.support.statements import Statement, distinct
from tributary import naming
from tributary.quarantine.conditions import key_text
from tributary.quarantine.finding import FINDINGS
from tributary.sqlfiles import SQL

RAW, ASIDE, VERSION = naming.raw_dataset("kiosk"), naming.quarantine_dataset("kiosk"), naming.version_dataset("1")
# A table that is everywhere; what else there is, statements of the files make.
LINES = {
    "order_id": "INT64",
    "_airbyte_meta": "JSON",
    "_database": "STRING",
    "_rule": "ARRAY<STRING>",
    "_run_id": "STRING",
    "_dump_date": "DATE",
    "_loaded_at": "TIMESTAMP",
    "_quarantined_at": "TIMESTAMP",
    "_valid_from": "DATE",
    "_valid_to": "DATE",
}
KEY = key_text(["order_id"])
# What the code fills in, by the names in the files.
FILLED_IN = {
    "audit": naming.CONSOLIDATED_AUDIT,
    "broken": f"(select 'a_rule' as rule, {KEY} as row_key from `{RAW}`.`lines`)",
    "column": "discount",
    "columns": "order_id",
    "condition": "true",
    "database": "kiosk",
    "dataset": VERSION,
    "days": "30",
    "findings": FINDINGS,
    "live": "1",
    "marker": naming.LOAD_MARKER,
    "more": "aside._run_id as run_id",
    "only": "true",
    "publication": naming.PUBLICATION,
    "quarantine": ASIDE,
    "raw": RAW,
    "records": "0",
    "refusal": "no",
    "replaced": "['kiosk']",
    "row_columns": "item.order_id",
    "row_key": KEY,
    "row_key_alone": KEY,
    "source": VERSION,
    "state": "''",
    "table": "lines",
    "target": "gs://bucket/folder",
    "type": "NUMERIC",
    "version": "2",
}
OTHERWISE = {
    "consolidated/recount": {"table": "databases"},
    "forget/held": {"column": "order_id"},
    "forget/links": {"column": "order_id"},
    "consolidated/publication": {"table": naming.PUBLICATION},
    "ops/expire_partitions": {"table": "runs"},
    "quarantine/move": {"row_key": key_text(["order_id"], "item")},
    "raw/changed_values": {"dataset": RAW},
    "raw/load": {"dataset": RAW, "table": naming.LOAD_MARKER},
    "raw/load_marker": {"dataset": RAW, "table": naming.LOAD_MARKER},
}

# Each is what DuckDB, the emulator or a slip would have, and what BigQuery has in its place.
ONLY_THE_FIRST_IS_REFUSED = [
    ("select 1::int64", "select cast(1 as int64)"),
    ("select try_cast('1' as int64)", "select safe_cast('1' as int64)"),
    ("select list_value(1, 2)", "select [1, 2]"),
    ("select strftime(day, '%Y') from ops.orders", "select format_date('%Y', day) from ops.orders"),
    ("select date_diff('day', day, day) from ops.orders", "select date_diff(day, day, day) from ops.orders"),
    ("select * exclude (total) from ops.orders", "select * except (total) from ops.orders"),
    ("select 1 union select 2", "select 1 union distinct select 2"),
    ("select cast([] as integer[])", "select cast([] as array<int64>)"),
    ("select total || 1 = 1 from ops.orders", "select total || 1 = '1' from ops.orders"),
    ("select sum(customer) from ops.orders", "select sum(total) from ops.orders"),
    ("select round(@total)", "select round(cast(@total as numeric))"),
    ("select tag from ops.orders, unnest(customer) as tag", "select tag from ops.orders, unnest(tags) as tag"),
    ("select custmer from ops.orders", "select customer from ops.orders"),
    ("select customer from ops.order", "select customer from ops.orders"),
    ("insert into ops.orders (total) values ('1')", "insert into ops.orders (total) values (1)"),
    (
        "create table ops.t (a string options (comment = ''))",
        "create table ops.t (a string options (description = ''))",
    ),
    ("declare days array<string> default [1]; select days", "declare days array<string> default ['1']; select days"),
    ("begin transaction; delete from ops.orders", "begin transaction; delete from ops.orders where true"),
    # Within the brackets, a column of the other table hides an alias outside.
    (
        "select 1 from ops.orders as total where exists (select 1 from ops.orders as o where o.day = total.day)",
        "select 1 from ops.orders as mine where exists (select 1 from ops.orders as o where o.day = mine.day)",
    ),
]


@pytest.fixture(scope="module")
def google() -> GoogleSql:
    google = GoogleSql("a-project")
    columns = {"customer": "STRING", "day": "DATE", "total": "NUMERIC", "tags": "ARRAY<STRING>"}
    google.add_table("ops", "orders", columns)
    for dataset in (RAW, ASIDE, VERSION, naming.CONSOLIDATED, naming.CONSOLIDATED_AUDIT):
        google.add_table(dataset, "lines", LINES)
    return google


@pytest.mark.parametrize(("refused", "taken"), ONLY_THE_FIRST_IS_REFUSED)
def test_what_bigquery_does_not_have_is_refused_and_what_it_has_is_not(google: GoogleSql, refused: str, taken: str):
    found = google.refusals([Statement.of_texts(sql) for sql in (refused, taken)])
    assert list(found) == [refused], told(found)


def test_every_file_is_googlesql(google: GoogleSql):
    statements = []
    for path in sorted(SQL.rglob("*.sql")):
        name = str(path.relative_to(SQL).with_suffix(""))
        text = path.read_text()
        if Template(text).get_identifiers():
            text = Template(text).substitute({**FILLED_IN, **OTHERWISE.get(name, {})})
        statements.append(Statement.of_texts(text))
    assert len(statements) >= 80
    refused = google.refusals(statements)
    assert not refused, told(refused)
    assert files_of(statements) == {path.relative_to(SQL) for path in SQL.rglob("*.sql")}


def test_types_that_bigquery_would_give_otherwise_are_named(google: GoogleSql):
    google.add_table("ops", "sums", {"total": "INT64", "orders": "INT64"})
    assert not google.refusals([Statement("create table ops.sums as select total, 1 as orders from ops.orders")])
    assert google.other_types == {"ops.sums.total"}


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [
        ("select 1 /* it's for shop_eu */", "select 1 -- for shop_us", True),
        ("select date '2013-01-01'", "select date '2013-12-31'", True),
        ("select date '2013-01-01'", "select date '2013-02-30'", False),
        ("select date '2013-01-01'", 'select date "20130101"', False),
        ("select '2013-01-01'", "select 'on 2013-01-01'", False),
        ("select '/* one */'", "select '/* other */'", False),
        ("select `/* one */`", "select `/* other */`", False),
        ("select 'it\\'s -- one'", "select 'it\\'s -- other'", False),
        ("select '''it's -- one'''", "select '''it's -- other'''", False),
        ("select 1", "select 2", False),
    ],
)
def test_what_differs_in_comments_and_days_alone_is_analyzed_once(one: str, other: str, are_alike: bool):
    both = [Statement(one), Statement(other)]
    assert distinct(both) == both[: 1 if are_alike else 2]


def test_several_threads_find_what_one_finds(google: GoogleSql):
    refused = [sql for sql, _ in ONLY_THE_FIRST_IS_REFUSED]
    statements = [Statement.of_texts(sql) for both in ONLY_THE_FIRST_IS_REFUSED for sql in both]
    # Each reads what the one before it makes.
    chain = [Statement(f"create table ops.link_{n + 1} as select * from ops.link_{n}") for n in range(5)]
    first = Statement("create table ops.link_0 as select 1 as one")
    assert google.refusals([*reversed(chain), *statements, first], at_once=2).keys() == set(refused)
