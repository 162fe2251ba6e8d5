"""What readers see that is older than its deadline allows, whatever the runs say. Pure.

This is the look at the data: it finds the runs that were never made, and what ended without landing. Where a
run of the day is at work, or its failure is told, that tells it, and this does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tributary import naming
from tributary.alerts.facts import Facts, Run, deadline_of, owner_of, severity_of
from tributary.alerts.finding import Finding, Kind
from tributary.alerts.lateness import Day, Wait, silence, waiting
from tributary.alerts.words import at, span
from tributary.dates import end_of, newest_tick, next_tick
from tributary.dead_letters.record import DAG_IMPORT
from tributary.registry import Registry

# A run that has failed just now leaves its record soon, by its callback or the sweep; that tells it.
_RECORDED_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Missing:
    """A subject whose expected day is not there.

    :param first: the first day after the last one that landed; it stays while days pass, so that what is missing for
        a week is one incident.
    :param expected: the day that should be there by now.
    :param since: the deadline of `first`, in production's time.
    """

    subject: str
    first: date
    expected: date
    since: datetime

    @property
    def key(self) -> Day:
        return self.subject, self.expected


def missing(facts: Facts, registry: Registry) -> list[Missing]:
    """Everything whose day should have landed by now and has not, whatever the reason; none where that is unknown."""
    if facts.landed is None:
        return []
    ticks = _Ticks(registry.defaults.schedule)
    begin = datetime.combine(registry.defaults.start_date, time(), UTC)
    found = []
    for subject in subjects(registry):
        deadline = deadline_of(subject, registry)
        landed = facts.landed.of(subject)
        tick = ticks.newest(facts.clock - deadline)
        if landed is not None:
            first = ticks.next(end_of(landed))
        else:
            # What is new has until the deadline of its first tick; what was never seen is new now.
            first = ticks.next(max(facts.first_seen.get(subject, facts.clock), begin))
        if first <= tick and tick >= begin:
            found.append(Missing(subject, first.date(), tick.date(), first + deadline))
    return found


def find(
    facts: Facts,
    registry: Registry,
    *,
    failed: Collection[Day] = (),
    late: Collection[Day] = (),
    before: Collection[str] = (),
) -> list[Finding]:
    """What is stale now.

    :param failed: subjects and days of which a failure is told; `late`: of which a late run is.
    :param before: keys of what was stale a moment ago. It stays so while a run of it is at work: only rows that
        have landed mend it.
    """
    runs: dict[Day, list[Run]] = {}
    for run in facts.last_runs or ():
        runs.setdefault((run.subject, run.day), []).append(run)
    found = []
    for one in missing(facts, registry):
        if one.key in failed or one.key in facts.given_up:
            continue
        of_day = _OfDay.of(runs.get(one.key, ()))
        finding = _finding(one, of_day, facts, registry)
        told_by_its_run = one.key in late or of_day.at_work or _fails_just_now(of_day, facts)
        if finding.key in before or not told_by_its_run:
            found.append(finding)
    return found


def subjects(registry: Registry) -> Iterator[str]:
    """Everything that has a day to land: the databases, and what is consolidated of them."""
    yield from registry.databases
    if registry.consolidated_databases:
        yield naming.CONSOLIDATE_DAG


def age_seconds(subject: str, facts: Facts, registry: Registry) -> float | None:
    """How old the newest day that has landed is, from its tick of the schedule; None where none has, or is known."""
    landed = facts.landed.of(subject) if facts.landed else None
    if landed is None:
        return None
    tick = next_tick(registry.defaults.schedule, datetime.combine(landed, time(), UTC))
    return max((facts.clock - tick).total_seconds(), 0.0)


@dataclass(frozen=True)
class _OfDay:
    """The runs of the expected day: one at work, and the one that ended last."""

    at_work: Run | None
    ended: Run | None

    @classmethod
    def of(cls, runs: Sequence[Run]) -> _OfDay:
        ended = [run for run in runs if run.ended_at]
        return cls(
            next((run for run in runs if run.active), None),
            max(ended, key=lambda run: run.ended_at or run.run_after, default=None),
        )


def _finding(one: Missing, of_day: _OfDay, facts: Facts, registry: Registry) -> Finding:
    deadline = deadline_of(one.subject, registry)
    dag_id = naming.CONSOLIDATE_DAG if one.subject == naming.CONSOLIDATE_DAG else naming.dag_id(one.subject)
    run = of_day.at_work or of_day.ended
    why = _why(one, of_day, facts, registry, dag_id)
    days = f"{one.first}" if one.first == one.expected else f"{one.first} to {one.expected}"
    state = "is not published" if one.subject == naming.CONSOLIDATE_DAG else "has not landed"
    return Finding(
        kind=Kind.stale,
        subject=one.subject,
        day=one.first,
        cause=why.cause,
        severity=severity_of(one.subject, registry),
        owner=owner_of(one.subject, registry),
        # People live in the real time, also where production is simulated.
        since=facts.at - (facts.clock - one.since),
        run_id=run.run_id if run else None,
        headline=f"{days} {state}: {why.what}",
        detail=(*why.lines, f"its deadline was {at(one.since)}, {span(deadline)} after its tick of the schedule"),
        readers=facts.readers(one.subject, registry),
        command=None if run and run.active else _command(one),
        url=facts.link(dag_id, run.run_id if run else None),
    )


def _why(one: Missing, of_day: _OfDay, facts: Facts, registry: Registry, dag_id: str) -> Wait:
    lines = _dump(one, facts)
    if facts.last_runs is None:
        return Wait("airflow", "nothing is known of its runs: Airflow does not answer", lines)
    run, ended = of_day.at_work, of_day.ended
    if run:
        wait = waiting(run, facts, registry, {}, ())
        since = at(run.started_at or run.queued_at or run.run_after)
        return Wait("at-work", f"a run of it is at work since {since}", (wait.what, *wait.lines))
    if ended and ended.state == "failed":
        return Wait("failed", "its run failed, and there is no open record of it", lines)
    if ended:
        return Wait("ended", "its run ended well and left nothing", lines)
    if dag_id in facts.paused:
        return Wait("paused", "its DAG is paused", lines)
    if silent := silence(facts, "scheduler"):
        return Wait("scheduler", f"no run was made, {silent}", lines)
    files = sorted({letter.subject for letter in facts.letters or () if letter.task_id == DAG_IMPORT})
    if files:
        return Wait("dag_import", f"no run was made, and {', '.join(files)} does not import", lines)
    return Wait("no-run", "no run was made", lines)


def _dump(one: Missing, facts: Facts) -> tuple[str, ...]:
    if one.key not in facts.dumps:
        return ()
    left = facts.dumps[one.key]
    if left is None:
        return (f"no dump of {one.expected} is in the bucket",)
    return (f"its dump lies in the bucket since {at(left)}",)


def _command(one: Missing) -> str:
    only = "" if one.subject == naming.CONSOLIDATE_DAG else f" --database {one.subject}"
    return f"tributary run --date {one.expected}{only}"


def _fails_just_now(of_day: _OfDay, facts: Facts) -> bool:
    run = of_day.ended
    return bool(run and run.state == "failed" and run.ended_at and facts.at - run.ended_at < _RECORDED_WITHIN)


class _Ticks:
    """The schedule's ticks; a thousand databases ask for the same few."""

    def __init__(self, schedule: str) -> None:
        self.schedule = schedule
        self._newest: dict[datetime, datetime] = {}
        self._next: dict[datetime, datetime] = {}

    def newest(self, moment: datetime) -> datetime:
        if moment not in self._newest:
            self._newest[moment] = newest_tick(self.schedule, moment)
        return self._newest[moment]

    def next(self, moment: datetime) -> datetime:
        if moment not in self._next:
            self._next[moment] = next_tick(self.schedule, moment)
        return self._next[moment]
