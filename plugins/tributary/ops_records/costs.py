"""What BigQuery's jobs cost, from BigQuery's list of jobs into `ops.costs`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.job_labels import OURS

if TYPE_CHECKING:
    from tributary.ledger.store import OpsStore

# Before the newest job that is recorded: BigQuery ends a query after six hours, so what was running then is found.
OVERLAP = timedelta(hours=6, minutes=10)
# Where nothing is recorded yet.
FIRST_LOOK = timedelta(days=1)
# As many as BigQuery sends at once.
_PAGE = 1000

# The step of a job without labels that writes a raw dataset: it is Airbyte's.
_SYNC = "sync"

Row = dict[str, Any]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def record_new_costs(store: OpsStore) -> list[Row]:
    """Append every job that has ended and is not recorded yet; returns their rows.

    May be repeated: `ops.costs` shows each job once. Needs the right to list the jobs of all users.
    """
    found = store.query("ops/costs_recorded", overlap_seconds=str(int(OVERLAP.total_seconds())))
    newest = max((row["created_at"] for row in found), default=None)
    since = newest - OVERLAP if newest else datetime.now(UTC) - FIRST_LOOK
    known = {row["job_id"] for row in found}
    jobs = store.client.list_jobs(all_users=True, state_filter="done", min_creation_time=since, page_size=_PAGE)
    rows = [row for job in jobs if job.job_id not in known and (row := row_of(job))]
    store.append_all("costs_log", rows)
    return rows


def row_of(job: Any) -> Row | None:
    """The row of a job of Google's client; None for one that is not Tributary's."""
    labels = labels_of(job)
    if labels is None:
        return None
    slots = getattr(job, "slot_millis", None)
    day = labels.get("day", "")
    return {
        "job_id": job.job_id,
        "database": labels.get("database"),
        "step": labels.get("step"),
        "dump_date": day if _DAY.fullmatch(day) else None,
        "run_id": labels.get("run"),
        "job_type": job.job_type,
        "statement_type": getattr(job, "statement_type", None),
        "bytes_processed": getattr(job, "total_bytes_processed", None) or 0,
        "bytes_billed": getattr(job, "total_bytes_billed", None) or 0,
        "slot_seconds": None if slots is None else slots / 1000,
        "created_at": job.created,
        "ended_at": job.ended,
        # The reason alone: the message may quote values of rows.
        "error": (job.error_result or {}).get("reason"),
    }


def labels_of(job: Any) -> Mapping[str, str] | None:
    """A job's labels; those of a sync for one without that writes a raw dataset; None where it is not Tributary's."""
    if OURS.items() <= dict(job.labels).items():
        return dict(job.labels)
    target = getattr(job, "destination", None)
    database = naming.database_of_raw(target.dataset_id) if target is not None else None
    return {"database": database, "step": _SYNC} if database else None


def billed(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    """Bytes billed by database and step, for metrics: `none` stands for what a job does not say."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sums[row["database"] or "none", row["step"] or "none"] += row["bytes_billed"]
    return sums
