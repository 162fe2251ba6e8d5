"""What a checkpoint's result says to a table and to a person."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tributary.quality.results import CheckpointFailed, CheckpointResult, RuleResult

INCLUDE = Path(__file__).resolve().parents[3] / "include"
PASSED = RuleResult("orders", "row_count", "expect_x", True, observed="812")
FAILED = RuleResult(
    "orders",
    "price_not_negative",
    "expect_column_values_to_be_between",
    False,
    origin="include/gx/kiosk/raw.yaml",
    column="price",
    unexpected_count=3,
    element_count=812,
    sample_keys=("order_id=5", "order_id=9"),
)
ERROR = RuleResult("lines", "table_exists", "schema", False, error="table raw__kiosk.lines does not exist")
SKIPPED = RuleResult("orders", "never_shrinks", "expect_x", True, skipped="the run has no value for previous_rows")


def checkpoint(*results: RuleResult) -> CheckpointResult:
    return CheckpointResult("raw__kiosk", "raw", results, datetime(2026, 11, 20, 3, tzinfo=UTC), date(2026, 11, 20))


def test_passed_and_skipped_rules_are_a_success() -> None:
    result = checkpoint(PASSED, SKIPPED)
    assert result.success
    assert result.failure_message() == ""
    assert (result.passed, result.skipped) == ((PASSED,), (SKIPPED,))


@pytest.mark.parametrize("bad", [FAILED, ERROR])
def test_one_rule_that_fails_or_raises_is_no_success(bad: RuleResult) -> None:
    assert not checkpoint(PASSED, bad).success


@pytest.mark.parametrize("results", [(), (SKIPPED,)])
def test_a_checkpoint_that_checked_nothing_is_no_success(results: tuple[RuleResult, ...]) -> None:
    result = checkpoint(*results)
    assert not result.success
    assert "no rule was checked" in result.failure_message()


def test_an_error_is_not_counted_as_a_failure_of_the_data() -> None:
    result = checkpoint(FAILED, ERROR)
    assert (result.failed, result.errors) == ((FAILED,), (ERROR,))


def test_the_message_says_where_which_how_many_which_rows_and_what_to_do() -> None:
    lines = checkpoint(PASSED, FAILED, ERROR).failure_message().splitlines()
    assert lines[0] == "raw__kiosk of 2026-11-20: 1 failed, 1 could not be checked of 3 rules (raw)"
    assert lines[1] == (
        "- orders.price: price_not_negative (expect_column_values_to_be_between; include/gx/kiosk/raw.yaml): "
        "3 of 812 rows (0.369 %); such as order_id=5; order_id=9"
    )
    assert "could not be checked: table raw__kiosk.lines does not exist" in lines[2]
    assert lines[3].startswith("What to do: look the rows up by their keys in raw__kiosk")
    assert lines[4].startswith("What to do about rules that could not be checked")


def test_a_long_list_is_cut_and_says_so() -> None:
    message = checkpoint(*[FAILED] * 20).failure_message()
    assert message.count("price_not_negative") == 12
    assert "- and 8 more, see ops.quality_results" in message


def test_the_exception_carries_the_result() -> None:
    result = checkpoint(FAILED)
    error = CheckpointFailed(result)
    assert error.result is result
    assert str(error) == result.failure_message()


def test_rows_are_json_and_have_the_columns_of_the_table() -> None:
    result = checkpoint(PASSED, FAILED, ERROR, SKIPPED)
    rows = result.to_rows(run_id="manual__1", database="kiosk", date=date(2026, 11, 20))
    assert [row["status"] for row in rows] == ["passed", "failed", "error", "skipped"]
    assert json.loads(json.dumps(rows)) == rows
    ddl = (INCLUDE / "sql" / "ops" / "quality_results.sql").read_text()
    columns = [line.split()[0] for line in ddl.splitlines() if line.startswith("    ")]
    assert columns == list(rows[0])


def test_row_counts_are_what_the_next_run_compares_with() -> None:
    assert checkpoint(PASSED, FAILED, ERROR).row_counts == {"orders": 812}
