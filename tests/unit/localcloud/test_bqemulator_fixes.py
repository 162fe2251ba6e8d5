"""What the corrections of the BigQuery emulator change, without starting it."""

from __future__ import annotations

import pytest
from bqemulator.jobs import ddl_result
from sqlglot import exp, parse_one, transpile
from sqlglot.dialects.duckdb import DuckDB

from localcloud import bqemulator_fixes


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


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select cast(a as numeric)", "SELECT CAST(a AS DECIMAL(38, 9))"),
        ("select cast(a as numeric(18, 3))", "SELECT CAST(a AS DECIMAL(18, 3))"),
        ("create table t (a numeric, b array<string>)", "CREATE TABLE t (a DECIMAL(38, 9), b TEXT[])"),
    ],
)
def test_numeric_has_all_of_bigquerys_digits(monkeypatch: pytest.MonkeyPatch, sql: str, expected: str):
    transforms = DuckDB.Generator.TRANSFORMS
    monkeypatch.setitem(transforms, exp.DataType, transforms[exp.DataType])
    bqemulator_fixes._hold_all_of_numeric()
    assert transpile(sql, read="bigquery", write="duckdb") == [expected]
