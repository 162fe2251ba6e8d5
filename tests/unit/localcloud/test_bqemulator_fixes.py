"""What the corrections of the BigQuery emulator change, without starting it."""

from __future__ import annotations

import pytest
from bqemulator.jobs import ddl_result
from sqlglot import Dialect, Generator, parse_one
from sqlglot.errors import ErrorLevel, UnsupportedError

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
