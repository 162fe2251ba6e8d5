"""A run step by step, as the Database page draws it. Pure.

What somebody cleared is drawn as it ran last, and the time in which the run lay still until then is left out: a run
that failed at night and was mended at noon did not take ten hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from tributary.ui.facts import Row

# A run lies still when none of its tasks is at work for so long; no wait for a retry is (tributary.policies).
STILL = timedelta(minutes=20)


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

    `began` and `ended` are seconds since the run began, without the time in which it lay still; `usual` is the median
    of the runs before, None without any.
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


def timeline(tries: Iterable[Row], day: date) -> Timeline | None:
    """The newest run of a day from rows of `ui/steps`; None where no task of one has ended.

    A step that was tried more often counts from its first try to its last end.
    """
    by_run: dict[tuple[date, str], list[Row]] = {}
    for row in tries:
        if row["ended_at"] is not None and row["started_at"] is not None:
            by_run.setdefault((row["dump_date"], row["run_id"]), []).append(row)
    of_day = [run for run in by_run if run[0] == day]
    if not of_day:
        return None
    shown = max(of_day, key=lambda run: max(row["ended_at"] for row in by_run[run]))
    others = [_spans(_that_count(rows)) for run, rows in by_run.items() if run != shown]
    rows = _that_count(by_run[shown])
    steps = []
    for name, (began, ended) in _spans(rows).items():
        usual = [span[name][1] - span[name][0] for span in others if name in span]
        tasks = _tasks(row for row in rows if row["step"] == name)
        steps.append(
            Step(
                name=name,
                state=_state(tasks),
                tries=max(task.tries for task in tasks),
                began=began,
                ended=ended,
                usual=median(usual) if usual else None,
                tasks=tasks,
            )
        )
    steps.sort(key=lambda step: (step.began, step.ended))
    return Timeline(shown[1], _begin(rows), max(step.ended for step in steps), steps)


def _that_count(rows: Iterable[Row]) -> list[Row]:
    """The tries without those that a success came after: somebody has cleared these, and they ran anew."""
    by_task: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["try_number"], row["ended_at"])):
        of_task = by_task.setdefault(row["task_id"], [])
        if of_task and of_task[-1]["state"] == "success":
            of_task.clear()
        of_task.append(row)
    return [row for of_task in by_task.values() for row in of_task]


def _begin(rows: Iterable[Row]) -> datetime:
    """When the first task was given to the executor."""
    begin: datetime = min(row["queued_at"] or row["started_at"] for row in rows)
    return begin


def _spans(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """By step, when its first try of a task began and its last one ended: in seconds of the run's own time."""
    begin = at_work = _begin(rows)
    still = timedelta()
    spans: dict[str, tuple[float, float]] = {}
    for row in sorted(rows, key=lambda row: row["started_at"]):
        if row["started_at"] - at_work > STILL:
            still += row["started_at"] - at_work
        at_work = max(at_work, row["ended_at"])
        began = (row["started_at"] - begin - still).total_seconds()
        ended = (row["ended_at"] - begin - still).total_seconds()
        first, last = spans.get(row["step"], (began, ended))
        spans[row["step"]] = (min(first, began), max(last, ended))
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
