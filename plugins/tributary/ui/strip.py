"""The strip of coloured cells: what became of each of a database's last days. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from tributary.dead_letters.record import Status
from tributary.ui.expected import Calendar
from tributary.ui.facts import DayRun, Letter, Timing

STRIP_DAYS = 14


class Cell(StrEnum):
    """What became of a day; the values are the classes of the style sheet, short for a thousand strips."""

    landed = "l"
    late = "d"
    failed = "f"
    running = "r"
    none = "n"


IN_WORDS = {
    Cell.landed: "landed",
    Cell.late: "landed late",
    Cell.failed: "failed",
    Cell.running: "in the making",
    Cell.none: "nothing",
}


@dataclass(frozen=True)
class Strip:
    """The last days of a database, the oldest first."""

    days: Sequence[date]
    cells: Sequence[Cell]

    @property
    def words(self) -> str:
        """The strip for those who do not see it: `12 landed; failed 2013-01-12; nothing 2013-01-13, 2013-01-14`."""
        by_cell: dict[Cell, list[str]] = {}
        for day, cell in zip(self.days, self.cells, strict=True):
            by_cell.setdefault(cell, []).append(day.isoformat())
        parts = []
        for cell in Cell:
            days = by_cell.get(cell, [])
            if cell is Cell.landed or len(days) > 3:
                parts += [f"{len(days)} {IN_WORDS[cell]}"] if days else []
            elif days:
                parts.append(f"{IN_WORDS[cell]} {', '.join(days)}")
        return "; ".join(parts)


def strip(
    calendar: Calendar,
    runs: Mapping[date, DayRun],
    timings: Mapping[date, Timing],
    letters: Iterable[Letter],
    deadline: timedelta,
) -> Strip:
    """The last days of a database. A day that failed and landed later is landed; a late one says so."""
    failed = {letter.dump_date for letter in letters if letter.status in (Status.open, Status.resolved)}
    replaying = {letter.dump_date for letter in letters if letter.status is Status.replaying}
    days = calendar.days(STRIP_DAYS)
    return Strip(days, [_cell(day, runs.get(day), timings.get(day), failed, replaying, deadline) for day in days])


def _cell(
    day: date,
    run: DayRun | None,
    timing: Timing | None,
    failed: Collection[date],
    replaying: Collection[date],
    deadline: timedelta,
) -> Cell:
    if run is not None and run.landed:
        begun = run_began(run.run_id, timing)
        return Cell.late if begun is not None and run.at > begun + deadline else Cell.landed
    if day in replaying:
        return Cell.running
    if day in failed:
        return Cell.failed
    return Cell.running if run is not None else Cell.none


def run_began(run_id: str, timing: Timing | None) -> datetime | None:
    """What a run's deadline counts from: a scheduled run's own moment, else when its first task was queued."""
    kind, _, moment = run_id.partition("__")
    if kind == "scheduled":
        try:
            return datetime.fromisoformat(moment)
        except ValueError:
            pass
    return timing.began if timing is not None and timing.run_id == run_id else None
