"""How long the dataset `ops` remembers: `ops: {keep: ...}` in the registry.

Where a table serves readers alone, BigQuery removes its partitions by itself. What later runs look back at is
removed by a statement that spares it. What people decided and asked for, and what was published stays for good: a few
rows a day, and the ledger's guards, the quarantine, imports and `tributary rollback` read all of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tributary.ledger.store import execute
from tributary.sqlfiles import render_sql

if TYPE_CHECKING:
    from tributary.ledger.store import OpsStore

# By their partitions, the days on which rows were written.
BY_PARTITION = (
    "task_durations_log",
    "costs_log",
    "alerts",
    "dumps_log",
    "schema_changes",
    "changed_values",
    "dead_letters_log",
)
# By include/sql/ops/<table>__expire.sql; the ledger first, as the runs tell which days have landed.
BY_STATEMENT = ("ledger_log", "runs", "quality_results")
FOR_GOOD = ("published", "holds", "quarantine_decisions", "forgotten", "forget_receipts")


def expire(store: OpsStore, keep: timedelta) -> None:
    """Remove what is older than that, and let BigQuery remove what becomes so. May be repeated at any time."""
    days = str(keep.days)
    # `query` makes the tables where there are none yet.
    for table in BY_STATEMENT:
        store.query(f"ops/{table}__expire", days=days)
    for table in BY_PARTITION:
        execute(store.client, render_sql("ops/expire_partitions", table=table, days=days))
