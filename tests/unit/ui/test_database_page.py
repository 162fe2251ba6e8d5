"""The Database page's timeline, counts and checks, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.unit.ui.facts_in_memory import TODAY, days_before, run_row, try_row
from tributary.ui.database_page import checks, history, newest_day, stage_table, timeline


def test_steps_stand_in_the_order_in_which_they_began_with_what_is_usual():
    found = timeline(
        [
            try_row("sync", 30, 90),
            try_row("find_dump", 5, 20),
            *(try_row("sync", 0, seconds, day=days_before(back)) for back, seconds in enumerate((10, 20, 60), 1)),
        ],
        TODAY,
    )
    assert found is not None
    assert [(step.name, step.began, step.ended, step.usual) for step in found.steps] == [
        ("find_dump", 0, 15, None),
        ("sync", 25, 85, 20),
    ]
    assert found.seconds == 85
    assert found.began == datetime(2013, 1, 14, 2, 0, 5, tzinfo=UTC)
    assert [step.slower for step in found.steps] == [False, True]


def test_a_little_more_of_little_is_not_slow():
    found = timeline([try_row("sync", 0, 12), try_row("sync", 0, 3, day=days_before(1))], TODAY)
    assert found is not None
    assert not found.steps[0].slower


def test_a_step_counts_from_its_first_try_to_its_last_end_and_is_what_its_last_try_was():
    found = timeline(
        [
            try_row("sync", 0, 10, state="failed"),
            try_row("sync", 40, 50, try_number=2),
            try_row("transform", 50, 60, task_id="transform.a", state="failed"),
            try_row("transform", 55, 90, task_id="transform.b"),
        ],
        TODAY,
    )
    assert found is not None
    sync, transform = found.steps
    assert (sync.began, sync.ended, sync.state, sync.tries) == (0, 50, "success", 2)
    assert (transform.began, transform.ended, transform.state) == (50, 90, "failed")
    assert [task.task_id for task in transform.tasks] == ["transform.a", "transform.b"]


def test_the_newest_run_of_a_day_is_shown_and_the_others_are_what_is_usual():
    found = timeline([try_row("sync", 0, 10, run_id="first"), try_row("sync", 100, 140, run_id="second")], TODAY)
    assert found is not None
    assert (found.run_id, found.steps[0].usual) == ("second", 10)


def test_a_day_without_an_ended_task_has_no_timeline():
    assert timeline([], TODAY) is None
    assert timeline([try_row("sync", 0, 10, ended_at=None), try_row("sync", 0, 9, day=days_before(1))], TODAY) is None


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
