"""MySQL types as BigQuery types, and a table's columns against them."""

from __future__ import annotations

import pytest

from tributary.quality.schema import bigquery_types, schema_faults


@pytest.mark.parametrize(
    ("mysql", "bigquery"),
    [
        ("int unsigned", {"INT64"}),
        ("bigint", {"INT64"}),
        ("bigint unsigned", {"INT64", "NUMERIC"}),
        ("tinyint(1)", {"BOOL", "INT64"}),
        ("tinyint", {"INT64"}),
        ("decimal(10,2)", {"NUMERIC"}),
        ("decimal(38,9)", {"NUMERIC"}),
        ("decimal(65,30)", {"BIGNUMERIC", "STRING"}),
        ("decimal(18,0)", {"INT64", "NUMERIC"}),
        ("decimal(19,0)", {"NUMERIC"}),
        ("double", {"FLOAT64", "NUMERIC"}),
        ("bit(1)", {"BOOL"}),
        ("bit(2)", {"BYTES", "STRING"}),
        ("varbinary(9)", {"BYTES", "STRING"}),
        ("json", {"JSON", "STRING"}),
        ("time(3)", {"TIME"}),
        ("enum('a','b)')", {"STRING"}),
        ("datetime", {"DATETIME"}),
        ("timestamp", {"TIMESTAMP"}),
        ("date", {"DATE"}),
        ("geometry", set()),
    ],
)
def test_bigquery_types(mysql: str, bigquery: set[str]) -> None:
    assert bigquery_types(mysql) == bigquery


EXPECTED = {"id": frozenset({"INT64"}), "price": frozenset({"NUMERIC"}), "shape": frozenset[str]()}


def test_no_faults_with_the_older_names_of_types_and_the_loaders_columns() -> None:
    actual = {"id": "INTEGER", "price": "NUMERIC", "shape": "GEOGRAPHY", "_airbyte_meta": "JSON"}
    assert schema_faults(EXPECTED, actual) == []


def test_every_fault_names_its_column() -> None:
    faults = schema_faults(EXPECTED, {"price": "FLOAT", "shape": "STRING", "email": "STRING"})
    assert faults == [
        "column id is missing",
        "column price is FLOAT64, expected NUMERIC",
        "column email is not in the contract, or is personal",
    ]
