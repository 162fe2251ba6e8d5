"""The Database page's counts and checks, without HTTP."""

from __future__ import annotations

from tests.unit.ui.facts_in_memory import days_before, run_row
from tributary.ui.database_page import checks, history, newest_day, stage_table


def test_stages_stand_beside_each_other_and_further_marts_are_in_no_total():
    rows = [
        {"stage": "marts", "table_name": "revenue", "row_count": 5},
        {"stage": "marts", "table_name": "orders", "row_count": 8},
        {"stage": "dump", "table_name": "orders", "row_count": 10},
        {"stage": "quarantine", "table_name": "orders", "row_count": 2},
        {"stage": "dump", "table_name": "addresses", "row_count": 3},
    ]
    found = stage_table(rows)
    assert found.stages == ["dump", "quarantine", "marts"]
    assert list(found.tables) == [("addresses", [3, None, None]), ("orders", [10, 2, 8]), ("revenue", [None, None, 5])]
    assert found.totals == [13, 2, 8]
    assert stage_table([]).tables == []


def test_rules_are_counted_by_how_they_ended():
    found = checks([{"status": status} for status in ("failed", "error", "passed", "skipped", "passed")])
    assert (found.passed, found.failed, found.skipped) == (2, 2, 1)


def test_only_landed_days_are_history():
    rows = [run_row("x", days_before(2), rows=5), run_row("x", days_before(1), state="transforming", rows=6)]
    assert history(rows) == [(days_before(2), 5)]


def test_the_newest_day_of_any_fact():
    assert newest_day({days_before(3): 1}, {}, {days_before(1): 1}) == days_before(1)
    assert newest_day({}, {}) is None
