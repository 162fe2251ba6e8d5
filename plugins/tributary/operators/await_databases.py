"""Decides which dump of each database is consolidated, once all of the day's have landed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, timezone
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from tributary import naming
from tributary.dates import DUMP_DATE, logical_date, parse_day
from tributary.errors import PermanentError
from tributary.hooks.clients import ops_store
from tributary.registry import Registry
from tributary.settings import Settings
from tributary.triggers.poll import poll_with

if TYPE_CHECKING:
    from airflow.sdk import Context


class NothingLandedError(PermanentError):
    """No database has ever landed a dump up to the day."""


class AwaitDatabasesOperator(BaseOperator):
    """Waits until each database's dump of the day has landed or its run has failed, or for the cut-off.

    The cut-off counts from the start of this run, so that a backfilled day waits as long as
    tonight's does. Returns, by database with any landed dump, `as_of` (the day of the dump to
    consolidate) and `landed` (the record from `ops.runs`).
    """

    template_fields: Sequence[str] = ("day",)

    def __init__(self, *, registry: Registry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.databases = registry.consolidated_databases
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
                    max(Settings.from_environment().poll_seconds, 5),
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
        landed = {
            name: record for name, record in ops_store().landed(parse_day(self.day)).items() if name in self.databases
        }
        if not landed:
            raise NothingLandedError(
                f"no database has landed a dump of {self.day} or earlier, so there is nothing to consolidate. "
                "Look at the runs of the elt__ DAGs first, then clear this task."
            )
        for name in self.databases:
            day = landed[name]["dump_date"].isoformat() if name in landed else "nothing yet"
            self.log.info("%s: %s", name, day)
        return {
            "day": self.day,
            "as_of": {name: record["dump_date"].isoformat() for name, record in landed.items()},
            "landed": {
                name: {
                    **record,
                    "dump_date": record["dump_date"].isoformat(),
                    "landed_at": record["landed_at"].isoformat(),
                }
                for name, record in landed.items()
            },
        }


def all_settled(*, day: str, databases: list[str], schedule: str) -> dict[str, Any] | None:
    """An answer once no database is still to come: each has landed the day, or its run has failed."""
    landed = ops_store().landed(parse_day(day))
    missing = [name for name in databases if name not in landed or landed[name]["dump_date"].isoformat() != day]
    if all(_has_failed(name, day, schedule) for name in missing):
        return {"status": "settled"}
    return None


def all_settled_or_late(*, deadline: str, **question: Any) -> dict[str, Any] | None:
    """As `all_settled`, but at the cut-off the answer is that it has come."""
    if timezone.utcnow() >= datetime.fromisoformat(deadline):
        return {"status": "cut-off"}
    return all_settled(**question)


def _has_failed(database: str, day: str, schedule: str) -> bool:
    """Whether the database's run for the day ended in failure; a missing run may still come."""
    state = RuntimeTaskInstance.get_dr_count(
        dag_id=naming.dag_id(database),
        logical_dates=[logical_date(parse_day(day), schedule)],
        states=["failed"],
    )
    return bool(state)
