"""How long every try of a task took, from Airflow's REST API into `ops.task_durations`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.dead_letters.steps import day_of_run

if TYPE_CHECKING:
    from tributary.airflow_api import AirflowApi
    from tributary.ledger.store import OpsStore

STATES = ("success", "failed", "skipped")

# Before the newest end that is recorded: workers' clocks differ, and a task that ended may be seen a little later.
OVERLAP = timedelta(minutes=15)
# Where nothing is recorded yet.
FIRST_LOOK = timedelta(days=7)

Row = dict[str, Any]


def record_new_task_durations(api: AirflowApi, store: OpsStore) -> int:
    """Append every try that has ended since the last call and is not recorded yet; returns how many.

    May be repeated, and run at two places at once: `ops.task_durations` shows each try once. Raises TributaryError
    where Airflow cannot be asked, and what BigQuery raises; the next call then makes up for it.
    """
    recorded = store.query("ops/task_durations_recorded", overlap_seconds=str(int(OVERLAP.total_seconds())))
    ends = [row["ended_at"] for row in recorded]
    since = max(ends) - OVERLAP if ends else datetime.now(UTC) - FIRST_LOOK
    return record_task_durations(api, store, since, {key_of(row) for row in recorded})


def record_task_durations(
    api: AirflowApi, store: OpsStore, since: datetime, known: Iterable[tuple[Any, ...]] = ()
) -> int:
    """Append every try of a task that has ended since then, but those whose `key_of` is known; returns how many."""
    recorded = set(known)
    rows = [
        row
        for task in api.ended_tasks(since, STATES)
        if has_run(task) and key_of(row_of(task)) not in recorded
        for row in map(row_of, _tries_of(api, task))
    ]

    @cache
    def day_of(dag_id: str, run_id: str) -> date | None:
        # The housekeeping is for no day.
        run = api.find_run(dag_id, run_id) if dag_id != naming.HOUSEKEEPING_DAG else None
        return day_of_run(run) if run else None

    days = [day_of(row["dag_id"], row["run_id"]) for row in rows]
    store.append_all("task_durations_log", [{**row, "dump_date": day} for row, day in zip(rows, days, strict=True)])
    return len(rows)


def has_run(task: Mapping[str, Any]) -> bool:
    """Whether it is one of Tributary's tasks that run something: those of dbt's models do not."""
    return is_ours(task["dag_id"]) and naming.producer_of(task["task_id"]) is None


def is_ours(dag_id: str) -> bool:
    """Whether it is one of Tributary's DAGs."""
    return dag_id in (naming.CONSOLIDATE_DAG, naming.HOUSEKEEPING_DAG) or naming.database_of(dag_id) is not None


def row_of(task: Mapping[str, Any]) -> Row:
    """The row of a try, as the REST API tells of it; without the day of the dump."""
    queued, started, ended = (_moment(task[name]) for name in ("queued_when", "start_date", "end_date"))
    return {
        "dag_id": task["dag_id"],
        "database": naming.database_of(task["dag_id"]),
        "run_id": task["dag_run_id"],
        "task_id": task["task_id"],
        "step": naming.step_of(task["task_id"]),
        "try_number": task["try_number"],
        "state": task["state"],
        "queued_at": queued,
        "started_at": started,
        "ended_at": ended,
        "duration_seconds": _seconds(started, ended),
        "queued_seconds": _seconds(queued, started),
    }


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells two records apart: a try that a person marks, or whose end was seen too early, is recorded anew."""
    return (*(row[name] for name in ("dag_id", "run_id", "task_id", "try_number", "state")), row["ended_at"])


def _tries_of(api: AirflowApi, task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The last try, and those before it, which Airflow keeps at another place."""
    yield task
    if task["try_number"] > 1:
        for one in api.tries(task["dag_id"], task["dag_run_id"], task["task_id"]):
            if one["try_number"] < task["try_number"] and one["end_date"]:
                yield one


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    """None where one is missing, or the order is another: a task that was deferred is queued again after its begin."""
    if begin is None or end is None or end < begin:
        return None
    return (end - begin).total_seconds()
