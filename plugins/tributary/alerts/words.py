"""How findings say times, durations and names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

_MOST_NAMED = 10


def at(moment: datetime) -> str:
    """`2013-01-02 05:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(length: timedelta | float) -> str:
    """A duration, or seconds: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = round(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts[:2])


def old(day: date, today: date) -> str:
    """`2013-01-01, 1 day old`."""
    days = (today - day).days
    return f"{day}, {days} day{'' if days == 1 else 's'} old" if days > 0 else f"{day}"


def listed(names: Sequence[str]) -> str:
    """Names with commas; of many the first ones and a number."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
