"""A run step by step, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.ui.facts_in_memory import TODAY, days_before, try_row
from tributary import policies
from tributary.ui.timeline import STILL, timeline

HOUR = 3600


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


def test_the_night_in_which_a_failed_run_lay_still_is_left_out():
    def night(day, *more):
        return [
            try_row("preflight", 0, 10, day=day),
            try_row("sync", 10, 20, state="failed", day=day),
            *more,
        ]

    mended = (
        try_row("sync", 9 * HOUR, 9 * HOUR + 30, try_number=2),
        try_row("reconcile", 9 * HOUR + 30, 9 * HOUR + 40),
    )
    found = timeline(night(TODAY, *mended), TODAY)
    assert found is not None
    assert [(step.name, step.began, step.ended) for step in found.steps] == [
        ("preflight", 0, 10),
        ("sync", 10, 50),
        ("reconcile", 50, 60),
    ]
    assert found.seconds == 60

    usual = timeline([*night(TODAY, *mended), try_row("sync", 0, 10, day=days_before(1))], days_before(1))
    assert usual is not None
    assert usual.steps[0].usual == 40


def test_a_wait_for_a_retry_is_time_that_the_step_took():
    wait = STILL.total_seconds()
    found = timeline(
        [try_row("sync", 0, 10, state="failed"), try_row("sync", 10 + wait, 20 + wait, try_number=2)], TODAY
    )
    assert found is not None
    assert found.steps[0].seconds == 20 + wait
    longest = policies.MAX_RETRY_DELAY * (1 + policies.JITTER)
    assert longest < STILL


def test_a_step_that_was_cleared_after_its_success_counts_as_it_ran_last():
    found = timeline(
        [
            try_row("sync", 0, 60),
            try_row("reconcile", 60, 70),
            try_row("sync", 5 * HOUR, 5 * HOUR + 5, state="failed", try_number=2),
            try_row("sync", 5 * HOUR + 10, 5 * HOUR + 40, try_number=3),
            try_row("reconcile", 5 * HOUR + 40, 5 * HOUR + 55, try_number=2),
        ],
        TODAY,
    )
    assert found is not None
    assert [(step.name, step.seconds, step.tries) for step in found.steps] == [("sync", 40, 3), ("reconcile", 15, 2)]
    assert found.began == datetime(TODAY.year, TODAY.month, TODAY.day, 2, tzinfo=UTC) + timedelta(hours=5)
