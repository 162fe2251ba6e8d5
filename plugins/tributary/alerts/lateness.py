"""Runs beyond their deadline, and steps beyond their limit. Pure.

A run that has failed is not late: its failure is told, once. Nothing is late of which Airflow could not be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tributary import naming
from tributary.alerts.facts import Facts, Run, Task, deadline_of, due, owner_of, severity_of
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.words import at, listed, span
from tributary.registry import Registry

# Airflow's processes tell of themselves every few seconds; one that is silent so long is not well.
SILENCE = timedelta(minutes=2)
_WORKING = ("running", "deferred", "restarting")
# The first that a run has says most about what it waits for.
_TELLING = ("running", "deferred", "queued", "scheduled", "restarting", "up_for_reschedule", "up_for_retry")

Day = tuple[str, date]


@dataclass(frozen=True)
class Wait:
    """What a run waits for: `cause` is what others may wait for, too; None of the words changes by the minute."""

    cause: str
    what: str
    lines: tuple[str, ...] = ()


def overdue(facts: Facts, registry: Registry) -> list[Run]:
    """The active runs beyond their deadline, the latest of all first: what is worth asking for their tasks."""
    late = [run for run in facts.runs or () if run.active and due(run, registry) <= facts.at]
    return sorted(late, key=lambda run: (due(run, registry), run.dag_id, run.run_id))


def find(facts: Facts, registry: Registry, failed: Collection[Day] = ()) -> list[Finding]:
    """The late runs; not those of a subject and day of which a failure is told."""
    late = [run for run in overdue(facts, registry) if (run.subject, run.day) not in failed]
    found: dict[Day, Finding] = {}
    # The consolidation last: it says which of the databases that it waits for are late themselves.
    for run in sorted(late, key=lambda run: run.subject == naming.CONSOLIDATE_DAG):
        found.setdefault((run.subject, run.day), _finding(run, facts, registry, found, failed))
    return list(found.values())


def slow(facts: Facts, registry: Registry) -> list[Finding]:
    """The steps that take longer than their own limit; a try counts from its own beginning."""
    runs = {(run.dag_id, run.run_id): run for run in facts.runs or () if run.active}
    found: dict[str, Finding] = {}
    for task in facts.tasks:
        run = runs.get((task.dag_id, task.run_id))
        limit = _limit(run, task, registry)
        if run is None or limit is None or task.started_at is None or task.state not in _WORKING:
            continue
        if facts.at - task.started_at >= limit:
            finding = _slow(run, task, limit, facts, registry)
            found[finding.key] = finding
    return list(found.values())


def waiting(run: Run, facts: Facts, registry: Registry, late: Mapping[Day, Finding], failed: Collection[Day]) -> Wait:
    """What a run waits for, as far as that is known."""
    if silent := silence(facts, "scheduler"):
        return Wait("scheduler", f"waits: {silent}")
    if run.state == "queued":
        return _queued(run, facts)
    tasks = sorted(facts.tasks_of(run), key=_telling)
    if not tasks:
        return Wait("no-task", "is between two of its steps")
    return _task(tasks[0], run, facts, registry, late, failed)


def _finding(
    run: Run, facts: Facts, registry: Registry, late: Mapping[Day, Finding], failed: Collection[Day]
) -> Finding:
    deadline = deadline_of(run.subject, registry)
    when = due(run, registry)
    counted = "its tick of the schedule" if when - deadline == run.run_after else "it was queued"
    wait = waiting(run, facts, registry, late, failed)
    return Finding(
        kind=Kind.late,
        subject=run.subject,
        day=run.day,
        cause=wait.cause,
        severity=severity_of(run.subject, registry),
        owner=owner_of(run.subject, registry),
        since=when,
        run_id=run.run_id,
        headline=f"late: {wait.what}",
        detail=(*wait.lines, f"its deadline was {at(when)}, {span(deadline)} after {counted}"),
        readers=facts.readers(run.subject, registry),
        url=facts.link(run.dag_id, run.run_id),
    )


def _queued(run: Run, facts: Facts) -> Wait:
    since = f"queued since {at(run.queued_at or run.run_after)}"
    if run.dag_id in facts.paused:
        return Wait("paused", "waits: its DAG is paused", (since,))
    before = [
        other
        for other in facts.runs or ()
        if other.dag_id == run.dag_id and other.state == "running" and other.run_id != run.run_id
    ]
    if before:
        days = listed([f"{other.day}" for other in before])
        return Wait(f"{run.subject}/earlier-run", f"waits for the run of {days}: one runs at a time", (since,))
    return Wait("scheduler", "waits for the scheduler to begin it", (since,))


def _task(
    task: Task, run: Run, facts: Facts, registry: Registry, late: Mapping[Day, Finding], failed: Collection[Day]
) -> Wait:
    known = _known_of(task, facts)
    if task.state == "up_for_retry":
        return Wait(f"{task.step}/retry", f"{task.step} has failed and waits for its next try", known)
    if task.state == "deferred" and (silent := silence(facts, "triggerer")):
        return Wait("triggerer", f"{task.step} waits: {silent}", known)
    if task.step == "find_dump":
        return _dump(run, facts, known)
    if task.step == "import_dump" and task.state not in _WORKING:
        return _import(task, run, facts, registry, known)
    if task.step == "await_databases":
        return _databases(run, facts, registry, late, failed, known)
    if task.state in ("queued", "scheduled"):
        return Wait("workers", f"{task.step} waits for a worker", known)
    return Wait(f"{task.step}/at-work", f"{task.step} is at work", known)


def _dump(run: Run, facts: Facts, known: tuple[str, ...]) -> Wait:
    if (run.subject, run.day) not in facts.dumps:
        return Wait("dump", "find_dump waits for its dump", known)
    left = facts.dumps[run.subject, run.day]
    if left is None:
        return Wait("dump", f"find_dump waits for the dump of {run.day}: none is in the bucket", known)
    return Wait(f"{run.subject}/dump", f"find_dump has not seen the dump that was left at {at(left)}", known)


def _import(task: Task, run: Run, facts: Facts, registry: Registry, known: tuple[str, ...]) -> Wait:
    """An instance takes one import at a time; a staging database belongs to one run."""
    database = registry.databases.get(run.subject)
    pool = naming.import_pool(database.cloud_sql_instance) if database else "its pool"
    others = sorted(
        other.dag_id.removeprefix(naming.dag_id(""))
        for other in facts.tasks
        if other.step == "import_dump" and other.state in _WORKING and _pool_of(other, registry) == pool
    )
    if others:
        return Wait(pool, f"import_dump waits for {pool}, which has the import of {listed(others)}", known)
    if task.state == "up_for_reschedule":
        what = "import_dump has stepped back: another run uses the staging database, or the instance is busy"
        return Wait(f"{run.subject}/staging", what, known)
    return Wait(pool, f"import_dump waits for a place in {pool}", known)


def _databases(
    run: Run,
    facts: Facts,
    registry: Registry,
    late: Mapping[Day, Finding],
    failed: Collection[Day],
    known: tuple[str, ...],
) -> Wait:
    if facts.landed is None:
        return Wait("databases", "await_databases waits for databases", known)
    days = facts.landed.days
    missing = [name for name in registry.consolidated_databases if days.get(name, date.min) < run.day]
    if not missing:
        return Wait("databases", "await_databases has not seen that every database has landed", known)
    states = [_state_of(name, run.day, facts, late, failed) for name in missing]
    return Wait("databases", f"await_databases waits for {listed(missing)}", (*states[:10], *known))


def _state_of(name: str, day: date, facts: Facts, late: Mapping[Day, Finding], failed: Collection[Day]) -> str:
    if (name, day) in failed:
        return f"{name} has failed"
    if (name, day) in late:
        return f"{name} is {late[name, day].headline}"
    active = any(run.active and (run.subject, run.day) == (name, day) for run in facts.runs or ())
    return f"{name} is at work" if active else f"{name} has no run of {day} at work"


def _slow(run: Run, task: Task, limit: timedelta, facts: Facts, registry: Registry) -> Finding:
    assert task.started_at is not None
    severity = severity_of(run.subject, registry)
    return Finding(
        kind=Kind.slow,
        subject=run.subject,
        day=run.day,
        step=task.step,
        cause=f"{task.step}/slow",
        # A warning: what comes of it is told as late or failed.
        severity=Severity.ticket if severity is Severity.page else severity,
        owner=owner_of(run.subject, registry),
        since=task.started_at + limit,
        run_id=run.run_id,
        headline=f"{task.step} takes longer than its limit of {span(limit)}",
        detail=_known_of(task, facts),
        url=facts.link(run.dag_id, run.run_id),
    )


def _known_of(task: Task, facts: Facts) -> tuple[str, ...]:
    """Since when, in which try, and what is usual."""
    lines = []
    if task.since:
        state = "at work" if task.state in _WORKING else task.state
        tried = f", try {task.try_number}" if task.try_number > 1 else ""
        lines.append(f"{task.step} is {state} since {at(task.since)}{tried}")
    if usual := facts.usual.get((task.dag_id, task.task_id)):
        lines.append(f"usually it takes {span(usual)}")
    return tuple(lines)


def _limit(run: Run | None, task: Task, registry: Registry) -> timedelta | None:
    database = registry.databases.get(run.subject) if run else None
    return database.limits.by_step.get(task.step) if database else None


def _pool_of(task: Task, registry: Registry) -> str | None:
    database = registry.databases.get(task.dag_id.removeprefix(naming.dag_id("")))
    return naming.import_pool(database.cloud_sql_instance) if database else None


def silence(facts: Facts, process: str) -> str | None:
    """That a process of Airflow's has not been heard of; None where it has, or nothing is known of it."""
    if process not in facts.heartbeats:
        return None
    heard = facts.heartbeats[process]
    if heard is None:
        return f"no {process} has ever been heard of"
    return f"the {process} has not been heard of since {at(heard)}" if facts.at - heard > SILENCE else None


def _rank(task: Task) -> int:
    return _TELLING.index(task.state) if task.state in _TELLING else len(_TELLING)


def _telling(task: Task) -> tuple[bool, int, str]:
    """The order of what tells most about a run; a task that follows another waits wherever that one stands."""
    return naming.producer_of(task.task_id) is not None, _rank(task), task.task_id
