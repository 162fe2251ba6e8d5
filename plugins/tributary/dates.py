"""Which day a run is for.

A run loads the dump of one day: the day of its logical date, or the one that a person chose in
the trigger form. Both are templates, rendered when a task runs.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

# A run without a logical date (Airflow 3 allows it) is for the day it was asked for.
DUMP_DATE = "{{ params.date or (dag_run.logical_date or dag_run.run_after).strftime('%Y-%m-%d') }}"


def parse_day(text: str) -> date:
    """`2013-01-31` -> date. Raises ValueError that shows the expected form."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"found the date {text!r}, expected a day such as 2013-01-31") from None


def chosen_day(chosen: str | None, moment: datetime) -> str:
    """What DUMP_DATE renders to, by a run's parameter and its logical date or, where it has none, its `run_after`."""
    return chosen or f"{moment:%Y-%m-%d}"


def logical_date(day: date, schedule: str) -> datetime:
    """The logical date of the scheduled run for a day: its first tick of the cron expression (UTC)."""
    from croniter import croniter

    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    tick: datetime = croniter(schedule, start.replace(microsecond=0)).get_next(datetime)
    if croniter.match(schedule, start):
        tick = start
    if tick.date() != day:
        raise ValueError(f"the schedule {schedule!r} has no run on {day}")
    return tick


def end_of(day: date) -> datetime:
    """The moment (UTC) from which on a tick of the schedule asks for a later day than that one."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def newest_tick(schedule: str, moment: datetime) -> datetime:
    """The newest tick of the cron expression at that moment or before it (UTC)."""
    from croniter import croniter

    tick: datetime = croniter(schedule, moment.astimezone(UTC) + timedelta(seconds=1)).get_prev(datetime)
    return tick


def next_tick(schedule: str, moment: datetime) -> datetime:
    """The first tick of the cron expression at that moment or after it (UTC)."""
    from croniter import croniter

    tick: datetime = croniter(schedule, moment.astimezone(UTC) - timedelta(seconds=1)).get_next(datetime)
    return tick
