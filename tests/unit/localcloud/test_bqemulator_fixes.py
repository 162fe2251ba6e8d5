"""What the corrections of the BigQuery emulator change, without starting it."""

from __future__ import annotations

from copy import deepcopy

import pytest
import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import ddl_result, routine_ddl
from bqemulator.sql import catalog_schema
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from sqlglot import Dialect, Generator, exp, parse_one
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError
from sqlglot.expressions import core

from localcloud import bqemulator_fixes

QUERY = "select a, count(*) as n from t where b = 'x' group by a"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Generator]:
    """The correction, and the generators that were made since."""
    generators: list[Generator] = []
    monkeypatch.setattr(Dialect, "generate", Dialect.generate)
    make = Dialect.generator
    monkeypatch.setattr(
        Dialect, "generator", lambda self, **options: generators.append(make(self, **options)) or generators[-1]
    )
    bqemulator_fixes._use_generators_again()
    return generators


def test_a_generator_is_used_again_and_writes_the_same(made: list[Generator]):
    texts = {parse_one(QUERY, read="bigquery").sql("duckdb") for _ in range(3)}
    assert len(made) == 1
    assert texts == {"SELECT a, COUNT(*) AS n FROM t WHERE b = 'x' GROUP BY a"}


def test_another_dialect_or_option_has_a_generator_of_its_own(made: list[Generator]):
    tree = parse_one(QUERY, read="bigquery")
    assert "count(*)" in tree.sql("bigquery")
    assert "COUNT(*)" in tree.sql("duckdb")
    assert "\n" in tree.sql("duckdb", pretty=True)
    assert "\n" not in tree.sql("duckdb")
    assert len(made) == 3


def test_a_generator_is_free_again_after_an_error(made: list[Generator]):
    tree = parse_one("select array_agg(a respect nulls) from t", read="bigquery")
    for _ in range(2):
        with pytest.raises(UnsupportedError):
            tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("column", "mode"),
    [
        ("c int64 options (description = 'a number')", "NULLABLE"),
        ("c int64 not null options (description = 'a number')", "REQUIRED"),
        ("c int64", "NULLABLE"),
    ],
)
def test_a_column_with_options_has_its_mode(monkeypatch: pytest.MonkeyPatch, column: str, mode: str):
    monkeypatch.setattr(ddl_result, "_has_not_null_constraint", ddl_result._has_not_null_constraint)
    bqemulator_fixes._read_column_options()
    definition = parse_one(f"create table t ({column})", read="bigquery").this.expressions[0]
    assert ddl_result._field_from_column_def(definition)["mode"] == mode


def test_a_statement_is_parsed_once_and_nobody_s_tree_is_another_s(monkeypatch: pytest.MonkeyPatch):
    parsed: list[str] = []
    parse = sqlglot.parse_one
    monkeypatch.setattr(sqlglot, "parse_one", lambda sql, **options: parsed.append(sql) or parse(sql, **options))
    for module in (catalog_schema, ddl_result, ddl_sync, routine_ddl):
        monkeypatch.setattr(module, "sqlglot", sqlglot)
    bqemulator_fixes._parse_a_statement_once()
    first, second = (sqlglot.parse_one(QUERY, read="bigquery") for _ in range(2))
    assert first == second == parse(QUERY, read="bigquery")
    first.find(sqlglot.exp.Table).this.set("this", "u")
    assert first != second
    assert second == sqlglot.parse_one(QUERY, read="bigquery")
    assert sqlglot.parse_one("a::int64", read="duckdb").sql("bigquery") == "CAST(a AS INT64)"
    shared = ddl_sync.sqlglot.parse_one(QUERY, read="bigquery")
    assert shared is catalog_schema.sqlglot.parse_one(QUERY, read="bigquery")
    assert shared == second
    assert parsed == [QUERY, "a::int64"]
    for _ in range(2):
        with pytest.raises(ParseError):
            sqlglot.parse_one("select from from", read="bigquery")


def test_a_chain_of_concatenations_gets_its_type_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ConcatStringTypeRule, "applies_to", ConcatStringTypeRule.applies_to)
    rule, tree = ConcatStringTypeRule(), parse_one("select a || b || c || d, (e || f) || 'x'", read="duckdb")
    assert [node.sql() for node in tree.find_all(exp.DPipe) if rule.applies_to(node)] != ["a || b || c || d"]
    bqemulator_fixes._type_a_chain_of_concatenations_once()
    typed = {node.sql() for node in tree.find_all(exp.DPipe) if rule.applies_to(node)}
    assert typed == {"a || b || c || d", "(e || f) || 'x'", "e || f"}


def test_a_tree_s_copy_is_as_before_and_shares_nothing(monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    tree = parse_one(QUERY, read="bigquery")
    tree.meta["of another kind"] = [1]
    before = [(type(node), dict(node.meta)) for node in tree.copy().walk()]
    for module in (core, bqemulator_fixes):
        monkeypatch.setattr(module, "deepcopy", lambda value: asked.append(value) or deepcopy(value))
    bqemulator_fixes._copy_trees_faster()
    copied = tree.copy()
    assert copied == tree
    assert [(type(node), dict(node.meta)) for node in copied.walk()] == before
    for one, other in zip(tree.walk(), copied.walk(), strict=True):
        assert one is not other
        assert not one.meta or one.meta is not other.meta
    copied.meta["of another kind"].append(2)
    assert tree.meta["of another kind"] == [1]
    places = [node.meta for node in tree.walk() if "line" in node.meta]
    assert places
    assert not [place for place in places if place in asked]
