"""What is known at one moment, as plain frozen values. `gathering` fills them in. Pure.

What could not be asked is None: unknown, which is neither good nor bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tributary import naming
from tributary.airflow_api import TERMINAL
from tributary.alerts.finding import Severity
from tributary.alerts.words import old
from tributary.dead_letters.record import DeadLetter, subject_of
from tributary.dead_letters.steps import day_of_run
from tributary.registry import Registry


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Run(_Fact):
    """One run of a DAG that loads or consolidates. `day` is that of the dump; times are UTC."""

    dag_id: str
    run_id: str
    subject: str
    day: date
    run_type: str
    state: str
    run_after: AwareDatetime
    queued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def active(self) -> bool:
        return self.state not in TERMINAL

    @classmethod
    def from_api(cls, run: Mapping[str, Any]) -> Run | None:
        """From the REST API's words; None for other DAGs."""
        named = subject_of(run["dag_id"])
        if named is None:
            return None
        return cls(
            dag_id=run["dag_id"],
            run_id=run["dag_run_id"],
            subject=named[0],
            day=day_of_run(run),
            run_type=run["run_type"],
            state=run["state"],
            run_after=run["run_after"],
            queued_at=run["queued_at"],
            started_at=run["start_date"],
            ended_at=run["end_date"],
        )


class Task(_Fact):
    """One task instance of a run that is at work or about to be. Times are UTC."""

    dag_id: str
    run_id: str
    task_id: str
    state: str
    try_number: int = 1
    scheduled_at: AwareDatetime | None = None
    queued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def step(self) -> str:
        return naming.step_of(self.task_id)

    @property
    def since(self) -> datetime | None:
        """Since when it is in its state."""
        return {
            "scheduled": self.scheduled_at,
            "queued": self.queued_at,
            "up_for_retry": self.ended_at,
            "up_for_reschedule": self.ended_at,
        }.get(self.state, self.started_at)

    @classmethod
    def from_api(cls, task: Mapping[str, Any]) -> Task:
        """From the REST API's words."""
        return cls(
            dag_id=task["dag_id"],
            run_id=task["dag_run_id"],
            task_id=task["task_id"],
            state=task["state"] or "none",
            try_number=task["try_number"],
            scheduled_at=task["scheduled_when"],
            queued_at=task["queued_when"],
            started_at=task["start_date"],
            ended_at=task["end_date"],
        )


class SchemaChanges(_Fact):
    """In what a database's newest dump differs from its contract, though it was loaded.

    :param day: of the dump that brought the newest of them; `since`: when that was found (UTC).
    :param changes: a line for each: what it is, and what is done about it.
    """

    day: date
    since: AwareDatetime
    run_id: str
    changes: tuple[str, ...]


class Published(_Fact):
    """What readers of `consolidated` see: the day it is for, and by database the day of its rows.

    `newest` is the newest day that they have ever seen: later than `day` after a rollback, which is no delay.
    """

    day: date
    newest: date
    as_of: dict[str, date] = Field(default_factory=dict)


class Landed(_Fact):
    """The newest day that has landed, by database, and what is published."""

    days: dict[str, date] = Field(default_factory=dict)
    published: Published | None = None

    def of(self, subject: str) -> date | None:
        """The newest day of a database, or that was published; None where there has been none."""
        if subject == naming.CONSOLIDATE_DAG:
            return self.published.newest if self.published else None
        return self.days.get(subject)


class Facts(_Fact):
    """Everything that findings are made of.

    :param at: the real time; `clock` is production's (`tributary.clock`).
    :param runs: the active runs, and those that ended lately. `last_runs` is what was last known of them, for as
        long as that can be relied on.
    :param tasks: of the active runs, those that were asked for.
    :param heartbeats: when `scheduler`, `triggerer` and `dag_processor` were last heard of.
    :param dumps: by database and day, where it was looked for: when the dump was left, None where there is none.
    :param given_up: subjects and days of which a person said that nothing is left to do.
    :param usual: by DAG and task, what it usually takes (seconds).
    :param schemas: by database, in what its newest dump differs from its contract; None where that is unknown.
    :param first_seen: when a database was first seen, in production's time.
    :param url: Airflow's address.
    """

    at: AwareDatetime
    clock: AwareDatetime
    runs: tuple[Run, ...] | None = None
    last_runs: tuple[Run, ...] | None = None
    tasks: tuple[Task, ...] = ()
    paused: frozenset[str] = frozenset()
    heartbeats: dict[str, AwareDatetime | None] = Field(default_factory=dict)
    landed: Landed | None = None
    letters: tuple[DeadLetter, ...] | None = None
    dumps: dict[tuple[str, date], AwareDatetime | None] = Field(default_factory=dict)
    given_up: frozenset[tuple[str, date]] = frozenset()
    usual: dict[tuple[str, str], float] = Field(default_factory=dict)
    schemas: dict[str, SchemaChanges] | None = Field(default_factory=dict)
    first_seen: dict[str, AwareDatetime] = Field(default_factory=dict)
    url: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The services that could not be asked."""
        known = {"Airflow": self.runs, "BigQuery": self.landed, "the bucket": self.letters}
        return tuple(name for name, found in known.items() if found is None)

    def tasks_of(self, run: Run) -> tuple[Task, ...]:
        """What is known of the tasks of a run."""
        return tuple(task for task in self.tasks if (task.dag_id, task.run_id) == (run.dag_id, run.run_id))

    def link(self, dag_id: str, run_id: str | None = None) -> str:
        """The page of a DAG or of its run."""
        page = f"{self.url}/dags/{quote(dag_id)}"
        return f"{page}/runs/{quote(run_id, safe='')}" if run_id else page

    def readers(self, subject: str, registry: Registry) -> str | None:
        """What readers see of a database now, or of all; None where that is unknown."""
        if self.landed is None:
            return None
        today = self.clock.date()
        published = self.landed.published
        if subject == naming.CONSOLIDATE_DAG:
            return f"consolidated shows {old(published.day, today)}" if published else "consolidated shows nothing yet"
        if subject not in registry.databases:
            return None
        contract = registry.databases[subject].contract
        if not contract.is_consolidated:
            day = self.landed.of(subject)
            dataset = naming.raw_dataset(subject) if contract.raw_only else naming.dataset(subject)
            return f"{dataset} shows {old(day, today)}" if day else f"{dataset} shows nothing yet"
        shown = published.as_of.get(subject) if published else None
        return f"consolidated shows {old(shown, today)}" if shown else "consolidated shows nothing of it yet"


def due(run: Run, registry: Registry) -> datetime:
    """When a run has to have ended.

    A scheduled run counts from its tick. Any other counts from when it was queued; and so does one that was queued
    after it was due, because it was cleared since, or because its day was told as stale by then.
    """
    deadline = deadline_of(run.subject, registry)
    queued = (run.queued_at or run.run_after) + deadline
    if run.run_type != "scheduled":
        return queued
    scheduled = run.run_after + deadline
    return queued if run.queued_at and run.queued_at > scheduled else scheduled


def deadline_of(subject: str, registry: Registry) -> timedelta:
    """The deadline of a database, or of the consolidation."""
    if subject in registry.databases:
        return registry.databases[subject].deadline
    return registry.consolidation.deadline if subject == naming.CONSOLIDATE_DAG else registry.defaults.deadline


def severity_of(subject: str, registry: Registry) -> Severity:
    """Who has to do something about a subject."""
    if subject in registry.databases:
        return registry.databases[subject].severity
    return registry.consolidation.severity if subject == naming.CONSOLIDATE_DAG else registry.defaults.severity


def owner_of(subject: str, registry: Registry) -> str:
    """Who answers for a subject."""
    return registry.databases[subject].owner if subject in registry.databases else registry.defaults.owner
