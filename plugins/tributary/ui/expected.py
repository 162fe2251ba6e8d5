"""Which day's dump may be expected by now, and what a database without it is. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from tributary.dates import end_of, newest_tick, next_tick


class State(StrEnum):
    """Where a database stands; the worst first, as lists show it."""

    failed = "failed"
    late = "late"
    never = "never landed"
    broken = "broken entry"
    waiting = "waiting"
    fresh = "fresh"


_ORDER = {state: number for number, state in enumerate(State)}


def badness(state: State) -> int:
    """Sorts states, the worst first."""
    return _ORDER[state]


@dataclass(frozen=True)
class Calendar:
    """The days for which the schedule has begun a run by now.

    :param begun: when the newest run of the schedule began (UTC); the one before it is `before`.
    """

    now: datetime
    schedule: str
    begun: datetime
    before: datetime

    @classmethod
    def at(cls, now: datetime, schedule: str) -> Calendar:
        """The calendar of one moment."""
        begun = newest_tick(schedule, now)
        before = newest_tick(schedule, begun - timedelta(seconds=1))
        return cls(now, schedule, begun, before)

    @property
    def day(self) -> date:
        """The newest day that may be expected at all."""
        return self.begun.date()

    def days(self, number: int) -> tuple[date, ...]:
        """So many days up to the newest one, the oldest first."""
        return tuple(self.day - timedelta(days=back) for back in reversed(range(number)))

    def due_after(self, landed: date, deadline: timedelta) -> datetime:
        """When the first day after one that has landed has to be there."""
        return next_tick(self.schedule, end_of(landed)) + deadline


@dataclass(frozen=True)
class Standing:
    """What a database is now.

    :param due: when it is late, or was; None where that cannot be said.
    :param landed: the newest day that readers can see.
    """

    state: State
    landed: date | None = None
    due: datetime | None = None


def standing(calendar: Calendar, deadline: timedelta, landed: date | None, failed_days: Collection[date]) -> Standing:
    """Hold the newest landed day against the deadline.

    :param failed_days: days with a step that failed for good and is not closed.
    """
    if landed is not None and landed >= calendar.day:
        return Standing(State.fresh, landed)
    due = calendar.due_after(landed, deadline) if landed else calendar.begun + deadline
    if any(landed is None or day > landed for day in failed_days):
        return Standing(State.failed, landed, due)
    if landed is None:
        return Standing(State.never, None, due)
    return Standing(State.late if due <= calendar.now else State.waiting, landed, due)
