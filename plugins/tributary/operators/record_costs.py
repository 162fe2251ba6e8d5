"""Records what BigQuery's jobs cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from tributary.hooks.clients import ops_store
from tributary.ops_records.costs import billed, record_new_costs

if TYPE_CHECKING:
    from airflow.sdk import Context


class RecordCostsOperator(BaseOperator):
    """Brings the jobs that have ended into `ops.costs`, and their billed bytes into metrics. Returns their number."""

    template_fields: Sequence[str] = ()
    ui_color = "#eeeeee"

    def execute(self, context: Context) -> int:
        from tributary.telemetry import metrics

        rows = record_new_costs(ops_store())
        for (database, step), value in billed(rows).items():
            metrics.increment("cost.bytes_billed", value, database=database, step=step)
        self.log.info("Recorded %d jobs, %d bytes billed", len(rows), sum(row["bytes_billed"] for row in rows))
        return len(rows)
