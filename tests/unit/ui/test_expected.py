"""Which day may be expected by now, and what a database without it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tributary.ui.expected import Calendar, State, badness, standing

SCHEDULE = "0 2 * * *"
HOURS = timedelta(hours=3)


def at(text: str) -> Calendar:
    return Calendar.at(datetime.fromisoformat(text).replace(tzinfo=UTC), SCHEDULE)


@pytest.mark.parametrize(
    ("now", "day"),
    [("2013-01-14 01:59:59", 13), ("2013-01-14 02:00", 14), ("2013-01-14 02:00:01", 14), ("2013-01-15 00:00", 14)],
)
def test_a_day_is_expected_from_its_run_on(now: str, day: int):
    assert at(now).day == date(2013, 1, day)


def test_the_days_end_with_the_newest():
    assert at("2013-01-14 09:00").days(3) == (date(2013, 1, 12), date(2013, 1, 13), date(2013, 1, 14))


@pytest.mark.parametrize(
    ("now", "landed", "failed", "state", "due"),
    [
        ("2013-01-14 03:00", 14, [], State.fresh, None),
        ("2013-01-14 03:00", 13, [], State.waiting, "2013-01-14 05:00"),
        ("2013-01-14 04:59", 13, [], State.waiting, "2013-01-14 05:00"),
        ("2013-01-14 05:00", 13, [], State.late, "2013-01-14 05:00"),
        ("2013-01-14 03:00", 12, [], State.late, "2013-01-13 05:00"),
        ("2013-01-14 03:00", 13, [14], State.failed, "2013-01-14 05:00"),
        ("2013-01-14 03:00", 13, [12], State.waiting, "2013-01-14 05:00"),
        ("2013-01-14 03:00", 14, [13], State.fresh, None),
        ("2013-01-14 03:00", None, [], State.never, "2013-01-14 05:00"),
        ("2013-01-14 03:00", None, [2], State.failed, "2013-01-14 05:00"),
    ],
)
def test_what_a_database_is(now: str, landed: int | None, failed: list[int], state: State, due: str | None):
    found = standing(at(now), HOURS, date(2013, 1, landed) if landed else None, {date(2013, 1, day) for day in failed})
    assert found.state is state
    assert found.due == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)


def test_the_worst_comes_first():
    assert sorted([State.fresh, State.waiting, State.failed, State.late], key=badness) == [
        State.failed, State.late, State.waiting, State.fresh,
    ]  # fmt: skip
