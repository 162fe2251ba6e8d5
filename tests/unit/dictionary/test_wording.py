"""Rules, tests and times in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tributary.dictionary.wording import ready_by, rule_in_words, span, starts_at, test_in_words
from tributary.quality.rules import Meta, Rule

in_words = test_in_words
# pytest would take the function for a test.
del test_in_words


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("expect_table_row_count_to_be_between", {"min_value": 0}, "The rows are counted, for the record."),
        ("expect_table_row_count_to_be_between", {"min_value": {"$PARAMETER": "trunc(previous_rows * 0.8)"}},
         "The table has at least `trunc(previous_rows * 0.8)` rows."),
        ("expect_column_values_to_be_between", {"column": "price", "min_value": 0}, "`price` is not less than `0`."),
        ("expect_column_values_to_be_between", {"column": "lon", "min_value": -180, "max_value": 180},
         "`lon` is between `-180` and `180`."),
        ("expect_column_values_to_be_in_set", {"column": "dst", "value_set": ["A", "U"]}, "`dst` is one of `A`, `U`."),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}, "No two rows have the same `a`, `b`."),
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
         "`a` is not less than `b`, where both are there."),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "select 1"}, "A rule: its query finds no row."),
        ("expect_column_values_to_be_dateutil_parseable", {"column": "day"},
         "Column values to be dateutil parseable: column `day`."),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(kind: str, said: dict[str, Any], words: str):
    assert rule_in_words(Rule(type=kind, kwargs=said, meta=Meta(rule="a_rule"))) == words


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("grain", {"key": ["id"]}, "`id` names a row, and is never empty."),
        ("grain", {"key": ["a", "b"], "nullable": ["b"]}, "`a`, `b` together name a row; `b` may be empty."),
        ("foreign_keys", {"keys": {"id": "consolidated__orders"}, "within": ["_database"]},
         "`id` is empty or in `orders` of the same `_database`."),
        ("totals_agree", {"other": "consolidated__orders", "totals": {"n": "1", "sum": "net"}, "by": ["_database"]},
         "`n` adds up to the rows of `orders`; `sum` adds up to `net` of `orders`, for each `_database`."),
        ("not_null", {"column_name": "id"}, "`id` is never empty."),
        ("somebody_s_own", {"at_most": 3}, "Somebody s own: at_most `3`."),
    ],
)  # fmt: skip
def test_a_test_of_dbt_is_a_sentence(kind: str, said: dict[str, Any], words: str):
    assert in_words(kind, said, {"consolidated__orders": "orders"}) == words


@pytest.mark.parametrize(
    ("schedule", "after", "words"),
    [
        ("0 2 * * *", timedelta(hours=3), "05:00 UTC every day"),
        ("30 22 * * *", timedelta(minutes=90), "00:00 UTC on the day after"),
        ("0 2 * * *", timedelta(days=3), "02:00 UTC 3 days later"),
        ("0 2 * * 1-5", timedelta(hours=8), "8 hours after each tick of `0 2 * * 1-5` (UTC)"),
    ],
)
def test_a_deadline_is_a_time_where_the_schedule_is_daily(schedule: str, after: timedelta, words: str):
    assert ready_by(schedule, after) == words


def test_a_schedule_that_is_not_daily_is_told_as_it_is():
    assert starts_at("0 2 * * *") == "at 02:00 UTC every day"
    assert starts_at("*/5 * * * *") == "at each tick of `*/5 * * * *` (UTC)"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(hours=1), "1 hour"), (timedelta(days=1), "24 hours"), (timedelta(days=400), "400 days"),
        (timedelta(minutes=90), "90 minutes"), (timedelta(seconds=61), "61 seconds"),
    ],
)  # fmt: skip
def test_spans(time: timedelta, words: str):
    assert span(time) == words
