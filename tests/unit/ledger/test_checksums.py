"""The checksum of rows: what it depends on, and what it must not depend on."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tributary.ledger.checksums import (
    Column,
    Content,
    bigquery_columns,
    bigquery_query,
    bigquery_query_by,
    comparable,
    content,
    contents_of,
    mysql_query,
    shared_columns,
)
from tributary.registry import load_registry

Row = tuple[str | None, str | None]

# Short texts of few characters, such that neighbours can be mistaken for each other.
values = st.one_of(st.none(), st.text("-:1aé😀", max_size=3))
rows = st.lists(st.tuples(values, values), max_size=6)
COLUMNS = (Column("a", "`a`", "`a`"), Column("b", "`b`", "`b`"))


def checksum(table: Sequence[Row]) -> Content:
    """What MySQL's query gives for a table of two text columns, run by SQLite with MySQL's functions."""
    database = sqlite3.connect(":memory:")
    functions = {
        "concat": (-1, lambda *parts: None if None in parts else "".join(map(str, parts))),
        "char_length": (1, lambda text: None if text is None else len(text)),
        "md5": (1, lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()),
        "conv": (3, lambda text, base, _: int(text, base)),
    }
    for name, (arguments, function) in functions.items():
        database.create_function(name, arguments, function)
    database.execute("create table t (a text, b text)")
    database.executemany("insert into t values (?, ?)", table)
    found = contents_of(database.execute(mysql_query("main", {"t": COLUMNS})), {"t": COLUMNS})["t"]
    database.close()
    return found


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: list[Row], random: object):
    other = table.copy()
    random.shuffle(other)  # type: ignore[attr-defined]
    assert checksum(other) == checksum(table)


@given(rows, rows)
def test_other_rows_have_another_checksum(table: list[Row], other: list[Row]):
    key = lambda row: [(value is not None, value or "") for value in row]  # noqa: E731
    same = sorted(table, key=key) == sorted(other, key=key)
    assert (checksum(table) == checksum(other)) is same


@given(rows.filter(bool), st.data())
def test_a_changed_value_shows(table: list[Row], data: st.DataObject):
    place = data.draw(st.integers(0, len(table) - 1))
    column = data.draw(st.integers(0, 1))
    row = list(table[place])
    row[column] = data.draw(values.filter(lambda value: value != table[place][column]))
    changed = [*table[:place], (row[0], row[1]), *table[place + 1 :]]
    assert checksum(changed).checksum != checksum(table).checksum


@given(rows.filter(bool), st.data())
def test_a_repeated_row_shows_in_rows_and_checksum(table: list[Row], data: st.DataObject):
    once, twice = checksum(table), checksum([*table, data.draw(st.sampled_from(table))])
    assert once.rows + 1 == twice.rows
    assert once.checksum != twice.checksum


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("ab", "c")], [("a", "bc")]),
        ([("0", "xxxxxxxx1z")], [("10xxxxxxxx", "z")]),
        ([("a", None)], [("a", "")]),
        ([("", "0")], [("0", "")]),
        ([("-", None)], [(None, "-")]),
        ([("1:a", "")], [("a", "1:")]),
        ([("a", "b"), ("c", "d")], [("a", "d"), ("c", "b")]),
        ([("a", "a"), ("a", "a")], [("b", "b"), ("b", "b")]),
        ([("é", "")], [("e\u0301", "")]),
    ],
)
def test_what_looks_alike_is_not_the_same(one: list[Row], other: list[Row]):
    assert checksum(one) != checksum(other)


def test_an_empty_table_has_a_checksum():
    assert checksum([]) == content(COLUMNS, 0, 0, 0)
    assert checksum([]).checksum


def test_a_table_without_comparable_columns_has_none():
    assert contents_of([("t", 3, 1, 2)], {"t": ()}) == {"t": Content(3)}


def test_checksums_of_other_columns_or_forms_are_not_comparable():
    both = content(COLUMNS, 1, 2, 3).checksum
    assert comparable(both, content(COLUMNS, 9, 9, 9).checksum)
    assert not comparable(both, content(COLUMNS[:1], 1, 2, 3).checksum)
    assert not comparable(both, content((COLUMNS[0], Column("b", "to_hex(`b`)")), 1, 2, 3).checksum)
    assert not comparable(both, None)
    assert not comparable(None, None)


@pytest.mark.parametrize(
    ("mysql", "bigquery"),
    [
        ("double", "FLOAT64"),
        ("float(7,4)", "FLOAT64"),
        ("json", "JSON"),
        ("json", "STRING"),
        ("point", "STRING"),
        ("blob", "STRING"),
        ("bit(8)", "STRING"),
        ("decimal(30,10)", "NUMERIC"),
        ("int", "STRING"),
        ("datetime", "TIMESTAMP"),
        ("timestamp", "DATETIME"),
        ("varchar(9)", "JSON"),
        ("(", "STRING"),
        ("int", ""),
    ],
)
def test_a_pair_of_types_that_is_not_certain_is_left_out(mysql: str, bigquery: str):
    assert shared_columns({"v": mysql}, {"v": bigquery}) == ()


@pytest.mark.parametrize(
    ("mysql", "bigquery"),
    [
        ("integer unsigned", "INTEGER"),
        ("bigint unsigned", "NUMERIC"),
        ("tinyint(1)", "BOOL"),
        ("numeric", "NUMERIC(10, 0)"),
        ("decimal(10,0)", "INT64"),
        ("decimal (10, 2)", "NUMERIC"),
        ("decimal(65,30)", "STRING"),
        ("bit", "BOOLEAN"),
        ("enum('a','b')", "STRING"),
        ("TIMESTAMP", "TIMESTAMP"),
    ],
)
def test_types_are_known_by_all_their_names(mysql: str, bigquery: str):
    (column,) = shared_columns({"v": mysql}, {"v": bigquery})
    assert column.name == "v"
    assert "`v`" in column.mysql
    assert "`v`" in column.bigquery
    assert "{" not in column.mysql + column.bigquery


def test_the_contract_s_order_of_columns_does_not_matter():
    types, arrived = {"b": "int", "a": "char(2)"}, {"a": "STRING", "b": "INT64"}
    assert shared_columns(types, arrived) == shared_columns(dict(reversed(types.items())), arrived)


def test_a_column_that_did_not_arrive_is_left_to_the_schema_check():
    assert [column.name for column in shared_columns({"b": "int", "a": "int"}, {"a": "INT64"})] == ["a"]


def test_personal_and_float_columns_alone_are_left_out_of_the_project_s_own_tables():
    expected = {
        "double": "FLOAT64",
        "decimal": "NUMERIC",
        "datetime": "DATETIME",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
    }
    for contract in load_registry().contracts.values():
        for table in contract.tables.values():
            types = {name: table.columns[name].copied_type for name in table.selected_columns}
            arrived = {
                name: expected.get(kind.split("(")[0], "STRING" if "char" in kind or "enum" in kind else "INT64")
                for name, kind in types.items()
            }
            compared = {column.name for column in shared_columns(types, arrived)}
            assert compared == {name for name, kind in types.items() if kind != "double"}


def test_columns_are_ordered_by_name_and_may_be_left_out():
    types = {"b": "FLOAT64", "_database": "STRING", "a": "INT64", "c": "ARRAY<STRING>"}
    assert [column.name for column in bigquery_columns(types, without=["_database"])] == ["a", "b"]


def test_all_tables_of_a_stage_are_read_with_one_query():
    tables = {"orders": COLUMNS, "customers": COLUMNS[:1]}
    for query in (
        mysql_query("shop_eu", tables),
        bigquery_query("shop_eu", tables, "_dump_date = cast(@day as date)"),
        bigquery_query_by("_database", "shop_eu", tables),
    ):
        assert query.count("union all") == 1
        assert query.count("`shop_eu`.`customers`") == query.count("`shop_eu`.`orders`") == 1
