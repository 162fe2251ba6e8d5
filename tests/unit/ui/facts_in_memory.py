"""Facts of a small company, as the pages get them from BigQuery and the bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.api_core.exceptions import ServiceUnavailable

from tributary.registry import BrokenDatabase, Registry, load_registry
from tributary.ui.facts import Row

# Seven hours into the day: deadlines of three hours after 02:00 are over.
NOW = datetime(2013, 1, 14, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def days_before(number: int) -> date:
    return TODAY - timedelta(days=number)


def small_registry(**databases: str) -> Registry:
    """The shipped registry with those databases, each with its app."""
    shipped = load_registry()
    by_app = {database.app: database for database in shipped.databases.values()}
    named = {name: by_app[app].model_copy(update={"name": name}) for name, app in databases.items()}
    return shipped.model_copy(update={"databases": named})


def with_broken(registry: Registry, name: str, error: str) -> Registry:
    return registry.model_copy(update={"broken": (BrokenDatabase(name=name, error=error),)})


def run_row(database: str, day: date, hours: float = 1.0, state: str = "landed", rows: int = 1000) -> dict[str, Any]:
    """A day whose scheduled run began at 02:00 and wrote its state so many hours later."""
    begun = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    return {
        "database": database, "dump_date": day, "run_id": f"scheduled__{begun.isoformat()}", "state": state,
        "row_count": rows, "recorded_at": begun + timedelta(hours=hours),
    }  # fmt: skip


def timing_row(dag_id: str, day: date, seconds: float, run_id: str | None = None) -> dict[str, Any]:
    begun = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    return {
        "dag_id": dag_id, "dump_date": day, "run_id": run_id or f"scheduled__{begun.isoformat()}", "began_at": begun,
        "ended_at": begun + timedelta(seconds=seconds),
    }  # fmt: skip


def try_row(
    step: str, began: float, ended: float, *, day: date = TODAY, task_id: str | None = None, **more: Any
) -> dict[str, Any]:
    """A try of a task, its times in seconds after 02:00."""
    begun = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    return {
        "dump_date": day, "run_id": f"scheduled__{begun.isoformat()}", "task_id": task_id or step, "step": step,
        "try_number": 1, "state": "success", "queued_at": begun + timedelta(seconds=began),
        "started_at": begun + timedelta(seconds=began), "ended_at": begun + timedelta(seconds=ended),
        "duration_seconds": ended - began, "queued_seconds": 0.0, **more,
    }  # fmt: skip


def letter_row(letter_id: str, status: str = "open", **more: Any) -> dict[str, Any]:
    subject, day, task_id = letter_id.split("/")
    failed_at = datetime.fromisoformat(day).replace(hour=3, tzinfo=UTC)
    return {
        "id": letter_id, "status": status, "subject": subject, "database": subject, "task_id": task_id,
        "dump_date": date.fromisoformat(day), "dag_id": f"elt__{subject}", "run_id": "run_1", "reason": "SyncError",
        "message": "the job failed", "tries": 6, "last_failed_at": failed_at, "changed_at": failed_at,
        "updated_at": failed_at, **more,
    }  # fmt: skip


def published_row(day: date = TODAY, **more: Any) -> dict[str, Any]:
    return {
        "version": "20130114T040000000", "run_id": "run_c", "day": day, "as_of": '{"shop_eu": "2013-01-14"}',
        "tables": '{"orders": 900, "customers": 100}', "row_count": 1000, "kind": "publish", "published_by": None,
        "why": None, "published_at": datetime(2013, 1, 14, 4, tzinfo=UTC), **more,
    }  # fmt: skip


class MemoryWarehouse:
    """Rows by the name of a query; `away` makes every one fail. Remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Sequence[Row]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.away = False
        self.asked: list[tuple[str, dict[str, str]]] = []

    def rows(self, name: str, **parameters: str) -> list[Row]:
        self.asked.append((name, parameters))
        if self.away:
            raise ServiceUnavailable("a word that nobody should see")
        return list(self.answers.get(name, ()))
