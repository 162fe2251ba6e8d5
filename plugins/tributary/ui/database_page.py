"""The Database page: its last run step by step, what was counted and checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from tributary.ui.facts import Row

STAGES = ("dump", "staging", "raw", "quarantine", "marts", "consolidated")


@dataclass(frozen=True)
class Task:
    """One task of the run, as its last try ended."""

    task_id: str
    state: str
    tries: int
    seconds: float


@dataclass(frozen=True)
class Step:
    """One step of the run: a task, or a group of them such as dbt's models.

    `began` and `ended` are seconds since the run began; `usual` is the median of the runs before, None without any.
    """

    name: str
    state: str
    tries: int
    began: float
    ended: float
    usual: float | None
    tasks: Sequence[Task]

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def slower(self) -> bool:
        """Whether it took markedly longer than usual: by half, and by more than ten seconds."""
        return self.usual is not None and self.seconds > max(1.5 * self.usual, self.usual + 10)


@dataclass(frozen=True)
class Timeline:
    """One run, its steps in the order in which they began."""

    run_id: str
    began: datetime
    seconds: float
    steps: Sequence[Step]


@dataclass(frozen=True)
class StageTable:
    """Rows of each table at each stage; None where a stage has not counted the table."""

    stages: Sequence[str]
    tables: Sequence[tuple[str, Sequence[int | None]]]
    totals: Sequence[int | None]


@dataclass(frozen=True)
class Checks:
    """The rules of a day, those that failed first."""

    results: Sequence[Row]
    passed: int
    failed: int
    skipped: int


def timeline(tries: Iterable[Row], day: date) -> Timeline | None:
    """The newest run of a day from rows of `ui/steps`; None where no task of one has ended.

    A step that was tried more often, or cleared, counts from its first try to its last end.
    """
    by_run: dict[tuple[date, str], list[Row]] = {}
    for row in tries:
        if row["ended_at"] is not None and row["started_at"] is not None:
            by_run.setdefault((row["dump_date"], row["run_id"]), []).append(row)
    of_day = [run for run in by_run if run[0] == day]
    if not of_day:
        return None
    shown = max(of_day, key=lambda run: max(row["ended_at"] for row in by_run[run]))
    others = [_spans(rows) for run, rows in by_run.items() if run != shown]
    rows = by_run[shown]
    began = min(row["queued_at"] or row["started_at"] for row in rows)
    steps = []
    for name, (first, last) in _spans(rows).items():
        usual = [(span[name][1] - span[name][0]).total_seconds() for span in others if name in span]
        of_step = [row for row in rows if row["step"] == name]
        tasks = _tasks(of_step)
        steps.append(
            Step(
                name=name,
                state=_state(tasks),
                tries=max(task.tries for task in tasks),
                began=(first - began).total_seconds(),
                ended=(last - began).total_seconds(),
                usual=median(usual) if usual else None,
                tasks=tasks,
            )
        )
    steps.sort(key=lambda step: (step.began, step.ended))
    return Timeline(shown[1], began, max(step.ended for step in steps), steps)


def _spans(rows: Iterable[Row]) -> dict[str, tuple[datetime, datetime]]:
    """By step, when its first try of a task began and its last one ended."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for row in rows:
        first, last = spans.get(row["step"], (row["started_at"], row["ended_at"]))
        spans[row["step"]] = (min(first, row["started_at"]), max(last, row["ended_at"]))
    return spans


def _tasks(rows: Iterable[Row]) -> list[Task]:
    newest: dict[str, Row] = {}
    for row in rows:
        known = newest.get(row["task_id"])
        if known is None or (row["try_number"], row["ended_at"]) > (known["try_number"], known["ended_at"]):
            newest[row["task_id"]] = row
    return [
        Task(task_id, row["state"], row["try_number"], row["duration_seconds"] or 0.0)
        for task_id, row in sorted(newest.items())
    ]


def _state(tasks: Sequence[Task]) -> str:
    states = {task.state for task in tasks}
    for worst in ("failed", "upstream_failed", "up_for_retry", "running"):
        if worst in states:
            return worst
    return "success" if "success" in states else next(iter(sorted(states)), "none")


def stage_table(rows: Iterable[Row]) -> StageTable:
    """From rows of `ui/stages`: a line for each table, those of the dump first."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row["table_name"], {})[row["stage"]] = row["row_count"]
    stages = [stage for stage in STAGES if any(stage in of_table for of_table in counts.values())]
    names = sorted(counts, key=lambda name: ("dump" not in counts[name], name))
    source = [name for name in names if "dump" in counts[name]]
    return StageTable(
        stages=stages,
        tables=[(name, [counts[name].get(stage) for stage in stages]) for name in names],
        # Marts beyond the source's tables are left out, so that the stages can be compared.
        totals=[_total(counts[name].get(stage) for name in source) for stage in stages],
    )


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def checks(rows: Iterable[Row]) -> Checks:
    """From rows of `ui/checks`."""
    results = list(rows)
    states = [row["status"] for row in results]
    return Checks(
        results=results,
        passed=states.count("passed"),
        failed=states.count("failed") + states.count("error"),
        skipped=states.count("skipped"),
    )


def history(rows: Iterable[Row]) -> list[tuple[date, int]]:
    """From rows of `ui/history`: the landed days and their rows, the oldest first."""
    return [(row["dump_date"], row["row_count"] or 0) for row in rows if row["state"] == "landed"]


def newest_day(*days: Mapping[date, Any]) -> date | None:
    """The newest day that any of the facts is about."""
    return max((day for of in days for day in of), default=None)
