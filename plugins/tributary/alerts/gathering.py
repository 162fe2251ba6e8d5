"""Asks Airflow, BigQuery and the bucket what is known now, each by itself: one that is away hides only its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tributary import clock, naming
from tributary.alerts import freshness, lateness
from tributary.alerts.facts import Facts, Landed, Published, Run, SchemaChanges, Task
from tributary.alerts.schemas import schemas_of
from tributary.dumps.selection import DumpObject, choose_dump, prefix_for
from tributary.hooks.patience import without_patience
from tributary.registry import Registry

if TYPE_CHECKING:
    from google.cloud.storage import Client

    from tributary.airflow_api import AirflowApi
    from tributary.dead_letters.bucket import LetterBucket
    from tributary.ledger.store import OpsStore

# How far back ended runs are remembered; those that end later are asked for as they come.
_REMEMBERED = timedelta(days=3)
_OVERLAP = timedelta(minutes=2)
# For so long the runs are taken for what they last were; an API server that restarts must not raise an alarm.
_RELIED_ON = timedelta(minutes=15)
# What is asked for one by one, and how often at most.
_MOST_RUNS = 40
_MOST_DUMPS = 25
_DUMPS_AGAIN = timedelta(minutes=5)
_USUAL_AGAIN = timedelta(hours=1)
_SCHEMAS_AGAIN = timedelta(minutes=5)
_USUAL_FROM = timedelta(days=60)

T = TypeVar("T")
log = logging.getLogger(__name__)


class Gathering:
    """The services of one deployment, and what is remembered of them between two looks.

    :param storage: the client that lists dumps, in the bucket named `bucket`.
    """

    def __init__(self, airflow: AirflowApi, ops: OpsStore, letters: LetterBucket, storage: Client, bucket: str) -> None:
        self.airflow = airflow
        self.ops = ops
        self.letters = letters
        self.storage = storage
        self.bucket = bucket
        self._ended: dict[tuple[str, str], Run] = {}
        self._ended_until: datetime | None = None
        self._last_runs: tuple[datetime, tuple[Run, ...]] | None = None
        self._dumps: dict[lateness.Day, tuple[datetime, datetime | None]] = {}
        self._usual: dict[tuple[str, str], float] = {}
        self._usual_at: datetime | None = None
        self._schemas: dict[str, SchemaChanges] | None = None
        self._schemas_at: datetime | None = None

    def facts(self, registry: Registry, first_seen: Mapping[str, datetime]) -> Facts:
        """What is known now. Never raises but for a clock that tells no time; what it cannot ask is unknown."""
        now = datetime.now(UTC)
        facts = Facts(at=now, clock=clock.now(), url=self.airflow.url, first_seen=dict(first_seen))
        with without_patience():
            facts = self._with_airflow(facts, registry)
            landed = _asked("BigQuery", self._landed)
            letters = _asked("the bucket", lambda: tuple(self.letters.list(closed=False)))
            schemas = self._schema_changes(facts.at)
            facts = facts.model_copy(update={"landed": landed, "letters": letters, "schemas": schemas})
            return self._with_details(facts, registry)

    def _with_airflow(self, facts: Facts, registry: Registry) -> Facts:
        found = _asked("Airflow", lambda: self._airflow_facts(facts.at, registry)) or {}
        if "runs" in found:
            self._last_runs = (facts.at, found["runs"])
        relied = self._last_runs and facts.at - self._last_runs[0] < _RELIED_ON
        last = self._last_runs[1] if self._last_runs and relied else None
        return facts.model_copy(update={**found, "last_runs": last})

    def _airflow_facts(self, now: datetime, registry: Registry) -> dict[str, Any]:
        runs = self._runs(now)
        steps = {step for database in registry.databases.values() for step in database.limits.by_step}
        tasks = [
            Task.from_api(task)
            for step in sorted(steps | {"import_dump"})
            for task in (self.airflow.tasks_at_work(step) if any(run.active for run in runs) else ())
        ]
        health = self.airflow.health()
        heard = {
            name: health[name].get(f"latest_{name}_heartbeat")
            for name in ("scheduler", "triggerer", "dag_processor")
            if name in health
        }
        return {
            "runs": runs,
            "tasks": tuple(tasks),
            "paused": frozenset(self.airflow.paused_dags()),
            "heartbeats": {name: datetime.fromisoformat(text) if text else None for name, text in heard.items()},
        }

    def _runs(self, now: datetime) -> tuple[Run, ...]:
        # The active ones first: what ends in between is then known twice, and not gone.
        active = {(run.dag_id, run.run_id): run for run in _runs_of(self.airflow.active_runs())}
        since = self._ended_until or now - _REMEMBERED
        ended = {(run.dag_id, run.run_id): run for run in _runs_of(self.airflow.ended_runs(since))}
        before = {key: run for key, run in self._ended.items() if key not in active}
        oldest = now - _REMEMBERED
        self._ended = {key: run for key, run in {**before, **ended}.items() if run.ended_at and run.ended_at >= oldest}
        self._ended_until = now - _OVERLAP
        return tuple({**active, **self._ended}.values())

    def _landed(self) -> Landed:
        days: dict[str, date] = {}
        published = None
        for row in self.ops.query("ops/freshness"):
            if row["database"] is not None:
                days[row["database"]] = row["day"]
            else:
                published = Published(day=row["day"], newest=row["newest_day"], as_of=json.loads(row["as_of"]))
        return Landed(days=days, published=published)

    def _schema_changes(self, now: datetime) -> dict[str, SchemaChanges] | None:
        if self._schemas_at is None or now - self._schemas_at >= _SCHEMAS_AGAIN:
            self._schemas = _asked(
                "BigQuery", lambda: schemas_of(self.ops.query("ops/schema_changes_now", database=""))
            )
            # What could not be asked is asked again at the next look.
            self._schemas_at = now if self._schemas is not None else None
        return self._schemas

    def _with_details(self, facts: Facts, registry: Registry) -> Facts:
        """What is asked for single runs and databases: only for those that are late or missing."""
        late = lateness.overdue(facts, registry)
        missing = freshness.missing(facts, registry)
        keys = [one.key for one in missing]
        expected = set(keys)
        at_work = [run for run in facts.runs or () if run.active and (run.subject, run.day) in expected]
        asked = {(run.dag_id, run.run_id): run for run in (*late, *at_work)}
        tasks = [*facts.tasks, *self._tasks_of(asked.values())]
        unique = {(task.dag_id, task.run_id, task.task_id): task for task in tasks}
        wanted = [(run.subject, run.day) for run in late] + keys
        dumps = self._dumps_of([key for key in dict.fromkeys(wanted) if key[0] in registry.databases], facts, registry)
        given_up = _asked("the bucket", lambda: frozenset(key for key in keys if self.letters.given_up(*key)))
        return facts.model_copy(
            update={
                "tasks": tuple(unique.values()),
                "dumps": dumps,
                "given_up": given_up or frozenset(),
                "usual": self._usual_durations(facts.at) if late or tasks else {},
            }
        )

    def _tasks_of(self, runs: Iterable[Run]) -> list[Task]:
        asked = list(runs)[:_MOST_RUNS]
        found = _asked(
            "Airflow", lambda: [task for run in asked for task in self.airflow.active_tasks(run.dag_id, run.run_id)]
        )
        return [Task.from_api(task) for task in found or ()]

    def _dumps_of(
        self, keys: list[lateness.Day], facts: Facts, registry: Registry
    ) -> dict[lateness.Day, datetime | None]:
        self._dumps = {key: known for key, known in self._dumps.items() if key in keys}
        unknown = [key for key in keys if key not in self._dumps]
        again = [key for key, (asked, left) in self._dumps.items() if left is None and facts.at - asked >= _DUMPS_AGAIN]
        for key in (unknown + again)[:_MOST_DUMPS]:
            left = _asked("the bucket", partial(self._look_for_dump, *key, registry))
            if left is None:
                break
            self._dumps[key] = (facts.at, *left)
        return {key: left for key, (_, left) in self._dumps.items()}

    def _look_for_dump(self, database: str, day: date, registry: Registry) -> tuple[datetime | None]:
        pattern = registry.databases[database].dump_pattern
        blobs = self.storage.list_blobs(self.bucket, prefix=prefix_for(pattern, database, day), retry=None, timeout=20)
        found = choose_dump((DumpObject.from_blob(self.bucket, blob) for blob in blobs), database, day, pattern)
        return (found.updated if found else None,)

    def _usual_durations(self, now: datetime) -> dict[tuple[str, str], float]:
        if self._usual_at is None or now - self._usual_at >= _USUAL_AGAIN:
            self._usual_at = now
            since = (now - _USUAL_FROM).isoformat()
            rows = _asked(
                "BigQuery",
                lambda: self.ops.query("ops/usual_durations", since=since, producer=naming.DBT_PRODUCER),
            )
            if rows is not None:
                self._usual = {(row["dag_id"], row["task_id"]): float(row["duration_seconds"]) for row in rows}
        return self._usual


def _runs_of(found: Iterable[Mapping[str, Any]]) -> list[Run]:
    return [run for run in map(Run.from_api, found) if run is not None]


def _asked(service: str, call: Callable[[], T]) -> T | None:
    """What a service answers; None where it does not, which is logged."""
    try:
        return call()
    except Exception as error:
        # The words may hold what others must not read; the class tells a person where to look.
        log.warning("%s could not be asked (%s)", service, type(error).__name__)
        log.debug("%s could not be asked", service, exc_info=True)
        return None
