"""Decides which dump of each database is consolidated, once all of the day's have landed, and which are built anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, timezone
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from tributary import editions, naming, versions
from tributary.consolidation import Plan
from tributary.dates import DUMP_DATE, logical_date, parse_day
from tributary.errors import PermanentError, RegistryError
from tributary.hooks.clients import ops_store
from tributary.ledger.store import OpsStore
from tributary.registry import Registry
from tributary.settings import Settings
from tributary.triggers.poll import poll_with

if TYPE_CHECKING:
    from airflow.sdk import Context


# The states that the task in which a database lands does not leave by itself.
_LANDED_OR_NEVER = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


class NothingLandedError(PermanentError):
    """No database has ever landed a dump up to the day."""


class AwaitDatabasesOperator(BaseOperator):
    """Waits until each database's dump of the day has landed or its run has failed, or for the cut-off.

    The cut-off counts from the start of this run, so that a backfilled day waits as long as
    tonight's does. Returns the `Plan`, as a dictionary.
    """

    template_fields: Sequence[str] = ("day",)

    def __init__(self, *, registry: Registry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.databases = registry.consolidated_databases
        self.apps = registry.apps
        self.broken = {one.name: one.error for one in registry.broken}
        self.schedule = registry.defaults.schedule
        self.cut_off = registry.consolidation.cut_off
        self.day = DUMP_DATE

    def execute(self, context: Context) -> dict[str, Any]:
        deadline = context["dag_run"].start_date + self.cut_off
        question: dict[str, Any] = {"day": self.day, "databases": list(self.databases), "schedule": self.schedule}
        ready = all_settled(**question)
        if ready is None and not context["params"]["force"] and timezone.utcnow() < deadline:
            self.defer(
                trigger=poll_with(
                    all_settled_or_late,
                    Settings.from_environment().poll_seconds,
                    deadline=deadline.isoformat(),
                    **question,
                ),
                method_name="execute_complete",
                # The function answers at the cut-off by itself; this only ends a trigger that hangs.
                timeout=self.cut_off + timedelta(minutes=10),
            )
        return self.execute_complete(context, {})

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        if event.get("status") == "error":
            raise RuntimeError(event["message"])
        store = ops_store()
        self._refuse_to_lose(store)
        landed = {name: record for name, record in store.landed(parse_day(self.day)).items() if name in self.databases}
        if not landed:
            raise NothingLandedError(
                f"no database has landed a dump of {self.day} or earlier, so there is nothing to consolidate. "
                "Look at the runs of the elt__ DAGs first, then clear this task."
            )
        wanted = [
            {"database": name, **{key: record[key].isoformat() for key in ("dump_date", "landed_at")}}
            for name, record in landed.items()
        ]
        counted = {row["database"] for row in store.query("ops/consolidated_counted", wanted=json.dumps(wanted))}
        base = None if context["params"]["everything"] else editions.held_by_readers(store)
        plan = Plan.made(self.day, landed, self.apps, self._definitions(), base, counted)
        for name in self.databases:
            unchanged = ", which readers have already" if name in plan.staying else ""
            self.log.info("%s: %s%s", name, plan.as_of.get(name, "nothing yet"), unchanged)
        return asdict(plan)

    def _refuse_to_lose(self, store: OpsStore) -> None:
        """Raises RegistryError where readers have rows of a database whose entry or contract cannot be used.

        To leave `consolidated` a database has to be taken out of the registry, and not by a slip of the pen.
        """
        live = versions.published(store) if self.broken else []
        if lost := sorted(self.broken.keys() & live[0].as_of.keys()) if live else []:
            raise RegistryError(
                f"{'; '.join(self.broken[name] for name in lost)}. Readers have rows of {', '.join(lost)}, which "
                "would be removed, so nothing was published. Mend the entry or contract, or take the entry out if the "
                "database is to leave; then clear this task."
            )

    def _definitions(self) -> dict[str, str]:
        from tributary.dbt_artifacts import MANIFEST

        return editions.definitions(json.loads(MANIFEST.read_text()))


def all_settled(*, day: str, databases: list[str], schedule: str) -> dict[str, Any] | None:
    """An answer once no database is still to come: each has landed the day, or its run has failed.

    One that has landed and whose run was started anew is still to come.
    """
    landed = ops_store().landed(parse_day(day))
    missing = [name for name in databases if name not in landed or landed[name]["dump_date"].isoformat() != day]
    at = logical_date(parse_day(day), schedule)
    if not all(_has_run(name, at, "failed") for name in missing):
        return None
    if any(_lands_anew(name, at) for name in databases if name not in missing):
        return None
    return {"status": "settled"}


def all_settled_or_late(*, deadline: str, **question: Any) -> dict[str, Any] | None:
    """As `all_settled`, but at the cut-off the answer is that it has come."""
    if timezone.utcnow() >= datetime.fromisoformat(deadline):
        return {"status": "cut-off"}
    return all_settled(**question)


def _has_run(database: str, at: datetime, *states: str) -> bool:
    """Whether the database's run of that logical date is in one of the states; a missing run may still come."""
    count = RuntimeTaskInstance.get_dr_count(dag_id=naming.dag_id(database), logical_dates=[at], states=list(states))
    return bool(count)


def _lands_anew(database: str, at: datetime) -> bool:
    """Whether its run is under way and has not come to its landing."""
    dag_id = naming.dag_id(database)
    states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, task_ids=[naming.LANDING], logical_dates=[at])
    if all(of_run.get(naming.LANDING) in _LANDED_OR_NEVER for of_run in states.values()):
        return False
    return _has_run(database, at, "queued", "running")
