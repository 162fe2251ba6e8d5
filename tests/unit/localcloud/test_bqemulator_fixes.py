"""What the corrections of the BigQuery emulator change, without starting it."""

from __future__ import annotations

import pytest
from bqemulator.jobs import ddl_result
from sqlglot import parse_one

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
