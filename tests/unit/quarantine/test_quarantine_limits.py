"""Shares, keys as people write them, and the rules that SQL can and cannot find rows for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tributary.contracts import Table
from tributary.errors import RegistryError
from tributary.quality.rules import Meta, Rule
from tributary.quality.suites import suites_for
from tributary.quarantine.conditions import UntranslatableError, broken_rows
from tributary.quarantine.decisions import UnknownRowsError, parse_key
from tributary.quarantine.limits import BadRows, too_many
from tributary.registry import INCLUDE, load_registry
from tributary.running import rows_at


@pytest.mark.parametrize(
    ("bad", "dropped", "rows", "share", "well"),
    [
        (1, 0, 20, 0.05, True),
        (2, 0, 20, 0.05, False),
        # In floats 0.29 * 100 is 28.999999999999996.
        (29, 0, 100, 0.29, True),
        (30, 0, 100, 0.29, False),
        (1, 0, 10**6, 0, False),
        (3, 3, 10, 0, True),
        (4, 3, 10, 0, False),
        (10, 0, 10, 1, True),
    ],
)
def test_the_share_is_of_all_rows_and_leaves_dropped_ones_out(
    bad: int, dropped: int, rows: int, share: float, well: bool
) -> None:
    table = BadRows("lines", rows, bad, dropped)
    assert table.within(share) is well
    assert bool(too_many([table], lambda _: share)) is not well


def test_every_table_above_its_share_is_named_with_its_figures() -> None:
    found = [BadRows("lines", 2000, 150, 50), BadRows("orders", 10, 1, 0), BadRows("prices", 10, 1, 0)]
    shares = {"lines": 0.01, "orders": 0.1, "prices": 0}
    assert too_many(found, lambda table: shares[table]) == [
        "lines: 100 of 2,000 rows (5 %), at most 1 % may be set aside",
        "prices: 1 of 10 rows (10 %), at most 0 % may be set aside",
    ]


def write_registry(root: Path, *, defaults: str = "", entry: str = "", table: str = "") -> Path:
    (root / "contracts").mkdir()
    (root / "databases.yaml").write_text(f"defaults: {{{defaults}}}\ndatabases:\n  shop: {{app: shop{entry}}}\n")
    (root / "contracts" / "shop.yaml").write_text(
        f"app: shop\ntables:\n  orders: {{primary_key: [id], columns: {{id: {{type: int}}}}{table}}}\n"
        "  lines: {primary_key: [id], columns: {id: {type: int}}}\n"
    )
    return root


@pytest.mark.parametrize(
    ("layers", "orders", "lines"),
    [
        ({}, 0, 0),
        ({"defaults": "quarantine: {max_share: 0.01}"}, 0.01, 0.01),
        ({"defaults": "quarantine: {max_share: 0.01}", "entry": ", quarantine: {max_share: 0.02}"}, 0.02, 0.02),
        ({"entry": ", quarantine: {max_share: 0.02}", "table": ", quarantine: {max_share: 0}"}, 0, 0.02),
        ({"table": ", quarantine: {max_share: 1}"}, 1, 0),
    ],
)
def test_a_table_stands_above_its_database_and_that_above_the_defaults(
    layers: dict[str, str], orders: float, lines: float, tmp_path: Path
) -> None:
    database = load_registry(write_registry(tmp_path, **layers)).databases["shop"]
    assert (database.max_share("orders"), database.max_share("lines")) == (orders, lines)


@pytest.mark.parametrize("share", ["-0.1", "1.5", "many"])
def test_a_share_outside_of_0_to_1_is_refused_with_its_place(share: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"defaults\.quarantine\.max_share: found"):
        load_registry(write_registry(tmp_path, defaults=f"quarantine: {{max_share: {share}}}"))


def test_a_database_cannot_have_the_name_of_a_quarantine(tmp_path: Path) -> None:
    root = write_registry(tmp_path)
    (root / "databases.yaml").write_text("databases:\n  quarantine__shop: {app: shop}\n")
    assert "reserved" in load_registry(root).broken[0].error


def test_nothing_is_set_aside_by_the_shipped_registry() -> None:
    registry = load_registry()
    assert {db.max_share(table) for db in registry.databases.values() for table in db.contract.tables} == {0}


def test_every_shipped_rule_on_rows_has_sql() -> None:
    for contract in load_registry().contracts.values():
        suites = suites_for(contract, "raw", INCLUDE)
        translated = 0
        for table, suite in suites.tables.items():
            for rule in suite.expectations:
                if not rule.type.startswith("expect_table_"):
                    broken_rows(rule, table=table, key=suite.key, rows=str)
                    translated += 1
        assert translated > 20


@pytest.mark.parametrize(
    ("type_", "kwargs", "reason"),
    [
        ("expect_column_value_lengths_to_equal", {"column": "a", "value": 2}, "expect_column_value_lengths_to_equal"),
        ("expect_table_row_count_to_be_between", {"min_value": 1}, "expect_table_row_count_to_be_between"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": {"$PARAMETER": "rows"}}, "the run's rows"),
        ("expect_column_values_to_be_between", {"column": "a"}, "neither min_value nor max_value"),
        ("expect_column_values_to_be_between", {"column": "a", "max_value": 1, "lowest": 0}, "with lowest"),
        (
            "expect_column_pair_values_to_be_equal",
            {"column_A": "a", "column_B": "b", "ignore_row_if": "sunday"},
            "sunday",
        ),
    ],
)
def test_rules_without_sql_are_refused_with_the_reason(type_: str, kwargs: dict[str, Any], reason: str) -> None:
    rule = Rule(type=type_, kwargs=kwargs, meta=Meta(rule="some_rule"))
    with pytest.raises(UntranslatableError, match=reason):
        broken_rows(rule, table="items", key=["id"], rows=str)


def test_rows_of_a_table_without_a_key_are_not_set_aside() -> None:
    rule = Rule(type="expect_column_values_to_not_be_null", kwargs={"column": "id"}, meta=Meta(rule="id_not_null"))
    with pytest.raises(UntranslatableError, match="the table has no key"):
        broken_rows(rule, table="t", key=(), rows=str)


def test_values_travel_as_parameters_and_never_in_the_text() -> None:
    kwargs = {"column": "a", "value_set": ["x'); drop table t", None, 7]}
    rule = Rule(type="expect_column_values_to_be_in_set", kwargs=kwargs, meta=Meta(rule="known"))
    query = broken_rows(rule, table="items", key=["id", "line"], rows=lambda table: f"`{table}`", prefix="p3")
    assert query.sql == "select item.`id`, item.`line` from `items` as item where item.`a` not in (@p3_0, @p3_1)"
    assert query.values == {"p3_0": "x'); drop table t", "p3_1": 7}


def test_a_rules_own_query_reads_what_is_left_of_each_table() -> None:
    text = "select id from {batch} as item where word = '{{}}' and id not in (select id from {others})"
    rule = Rule(type="unexpected_rows_expectation", kwargs={"unexpected_rows_query": text}, meta=Meta(rule="known"))
    query = broken_rows(rule, table="items", key=["id"], rows=lambda table: f"<{table}>")
    assert query.sql == "select id from <items> as item where word = '{}' and id not in (select id from <others>)"
    assert query.sees_other_rows


TABLE = Table.model_validate(
    {
        "primary_key": ["order_id", "line"],
        "columns": {
            "order_id": {"type": "bigint"},
            "line": {"type": "smallint"},
            "code": {"type": "varchar(8)"},
            "id": {"type": "bigint unsigned"},
            "at": {"type": "datetime"},
        },
    }
)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('{"line": 2, "order_id": 7}', ("order_id", "line"), '{"order_id":7,"line":2}'),
        ("order_id=7, line=2", ("order_id", "line"), '{"order_id":7,"line":2}'),
        ("line=2,order_id=-7", ("order_id", "line"), '{"order_id":-7,"line":2}'),
        ("7", ("order_id",), '{"order_id":7}'),
        ("7", ("code",), '{"code":"7"}'),
        ("code=ä\"b", ("code",), '{"code":"ä\\"b"}'),
        ('{"code": null}', ("code",), '{"code":null}'),
        ("7", ("id",), '{"id":7}'),
        (str(2**53), ("id",), '{"id":9007199254740992}'),
        (str(2**53 + 1), ("id",), '{"id":"9007199254740993"}'),
        ("2013-01-01 05:00:00", ("at",), '{"at":"2013-01-01T05:00:00"}'),
    ],
)  # fmt: skip
def test_a_key_is_taken_in_the_forms_that_people_see(text: str, key: tuple[str, ...], expected: str) -> None:
    assert parse_key(text, key, TABLE) == expected


@pytest.mark.parametrize("text", ["7", "order_id=7", "order_id=7, line=2, code=x", "order_id=x, line=1", "{nonsense"])
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(UnknownRowsError):
        parse_key(text, ("order_id", "line"), TABLE)


def test_rows_set_aside_are_counted_with_the_stages_after_them() -> None:
    counts = {"dump_rows": 30, "raw_rows": 30, "quarantine_rows": 2, "marts_rows": 28, "consolidated_rows": None}
    stages = ("dump", "raw", "marts", "consolidated")
    assert [rows_at(stage, counts) for stage in stages] == [30, 30, 30, None]
    assert rows_at("marts", {"marts_rows": 28}) == 28
