"""The rows that the quarantine's SQL finds are those that Great Expectations counts, NULLs and bounds included."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from tests.integration.quality.conftest import Sql
from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.rules import Meta, Rule, Suites, TableSuite
from tributary.quarantine.conditions import broken_rows
from tributary.quarantine.finding import execute_typed

DATASET = "raw__odds"
ROWS = """
create table raw__odds.items as
select * from unnest([
    struct(1 as id, 1 as a, 1 as b, 'x' as word, numeric '0' as price, date '2020-01-01' as day, true as flag),
    struct(2, 1, 2, 'x', numeric '10', date '2020-06-01', true),
    struct(3, 2, 2, "it's", numeric '10.01', date '2020-12-31', false),
    struct(4, null, 2, 'Y', numeric '-1', cast(null as date), null),
    struct(5, null, null, cast(null as string), cast(null as numeric), date '2021-01-01', null),
    struct(6, 3, null, '', numeric '5', date '2019-12-31', true),
    struct(7, 3, null, 'line\\nbreak', numeric '5', date '2020-01-01', true)
])
"""
AFTER = "expect_column_pair_values_a_to_be_greater_than_b"

# Rules that some rows break: type, keyword arguments, and the ids of those rows.
RULES: dict[str, tuple[str, dict[str, Any], set[int]]] = {
    "not_null": ("expect_column_values_to_not_be_null", {"column": "a"}, {4, 5}),
    "null": ("expect_column_values_to_be_null", {"column": "flag"}, {1, 2, 3, 6, 7}),
    "from": ("expect_column_values_to_be_between", {"column": "price", "min_value": 0}, {4}),
    "above": ("expect_column_values_to_be_between", {"column": "price", "min_value": 0, "strict_min": True}, {1, 4}),
    "up_to": ("expect_column_values_to_be_between", {"column": "price", "max_value": 10}, {3}),
    "below": ("expect_column_values_to_be_between", {"column": "price", "max_value": 10, "strict_max": True}, {2, 3}),
    "within": ("expect_column_values_to_be_between", {"column": "price", "min_value": 0, "max_value": 10.0}, {3, 4}),
    "days": (
        "expect_column_values_to_be_between",
        {"column": "day", "min_value": "2020-01-01", "max_value": "2020-12-31", "strict_max": True},
        {3, 5, 6},
    ),
    "in_set": ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["x", "it's"]}, {4, 6, 7}),
    "in_set_with_null": ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [1, 2, None]}, {6, 7}),
    "in_set_of_bool": ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [True]}, {3}),
    "in_empty_set": ("expect_column_values_to_be_in_set", {"column": "b", "value_set": []}, {1, 2, 3, 4}),
    "not_in_set": ("expect_column_values_to_not_be_in_set", {"column": "word", "value_set": ["", "Y"]}, {4, 6}),
    "regex": ("expect_column_values_to_match_regex", {"column": "word", "regex": r"^[a-z']+$"}, {4, 6, 7}),
    "not_regex": ("expect_column_values_to_not_match_regex", {"column": "word", "regex": r"\s|'"}, {3, 7}),
    "unique": ("expect_column_values_to_be_unique", {"column": "a"}, {1, 2, 6, 7}),
    "compound_unique": ("expect_compound_columns_to_be_unique", {"column_list": ["a", "flag"]}, {1, 2, 6, 7}),
    "compound_unique_nulls": ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b", "flag"]}, set()),
    "pair": (AFTER, {"column_A": "a", "column_B": "b"}, {1, 2, 3}),
    "pair_or_equal": (AFTER, {"column_A": "a", "column_B": "b", "or_equal": True}, {2}),
    "pair_neither": (AFTER, {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": "neither"}, {2}),
    "equal": ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}, {2, 4, 6, 7}),
    "equal_both_there": (
        "expect_column_pair_values_to_be_equal",
        {"column_A": "a", "column_B": "b", "ignore_row_if": "either_value_is_missing"},
        {2},
    ),
    "mostly_broken": ("expect_column_values_to_be_between", {"column": "a", "min_value": 2, "mostly": 0.7}, {1, 2}),
    "mostly_holds": ("expect_column_values_to_be_between", {"column": "a", "min_value": 2, "mostly": 0.6}, set()),
    "pair_mostly": (AFTER, {"column_A": "a", "column_B": "b", "or_equal": True, "mostly": 0.9}, {2}),
    "own_query": (
        "unexpected_rows_expectation",
        {"unexpected_rows_query": "select id from {batch} as item where regexp_contains(word, r'^.{{2,}}$')"},
        {3},
    ),
}


@pytest.fixture(scope="module")
def odds(run_sql: Sql) -> str:
    run_sql(f"create schema {DATASET}", ROWS)
    return DATASET


@pytest.fixture(scope="module")
def by_gx(odds: str, client: bigquery.Client) -> dict[str, tuple[bool, int | None, set[str]]]:
    """By rule, what Great Expectations says: whether it holds, how many rows break it, and keys of some."""
    rules = tuple(_rule(name) for name in RULES)
    suites = Suites(layer="raw", tables={"items": TableSuite(key=("id",), expectations=rules)})
    result = run_checkpoint(client=client, suites=suites, dataset=odds)
    assert not result.errors, result.failure_message()
    return {it.rule: (it.success, it.unexpected_count, set(it.sample_keys)) for it in result.results}


def _rule(name: str) -> Rule:
    return Rule(type=RULES[name][0], kwargs=RULES[name][1], meta=Meta(rule=f"rule_{name}"))


@pytest.mark.parametrize("name", RULES)
def test_sql_finds_the_rows_that_great_expectations_finds(
    name: str, odds: str, client: bigquery.Client, by_gx: dict[str, tuple[bool, int | None, set[str]]]
) -> None:
    query = broken_rows(_rule(name), table="items", key=["id"], rows=lambda table: f"(select * from {odds}.{table})")
    found = {row["id"] for row in execute_typed(client, query.sql, query.values)}
    assert found == RULES[name][2]
    success, count, keys = by_gx[f"rule_{name}"]
    assert success is not bool(found)
    if found:
        assert count == len(found)
        assert keys <= {f"id={number}" for number in found}
        # For several columns together Great Expectations tells no keys beside these columns.
        assert len(keys) == (0 if name == "compound_unique" else min(len(found), 5))
