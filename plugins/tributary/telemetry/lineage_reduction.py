"""What leaves out of an event of lineage what is nobody's business outside.

Airflow's provider adds to each event of a task who triggered the run and with which configuration, a
person's note, and after a failure the error's words with its stack. OpenLineage's client takes this class
by its name: `{"type": "transform", "transformer_class": ..., "transport": ...}` (docs/lineage.md).
"""

from __future__ import annotations

from typing import Any

from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport.transform import EventTransformer

from tributary.dead_letters.redaction import one_line

# What of the facet `airflow` stays: enough to find the run and its log.
KEPT = {
    "dag": ("dag_id",),
    "dagRun": ("run_id", "run_type", "logical_date"),
    "task": ("task_id", "operator_class"),
    "taskInstance": ("try_number", "log_url"),
}


class Reduced(EventTransformer):
    """Keeps datasets, jobs and times; of a failure the error in one line, without values of rows."""

    def transform(self, event: Any) -> Any:
        if not isinstance(event, RunEvent):
            return event
        facets = event.run.facets or {}
        airflow = facets.get("airflow")
        if airflow is not None:
            for name, kept in KEPT.items():
                whole = getattr(airflow, name)
                setattr(airflow, name, {key: whole[key] for key in kept if key in whole})
        error = facets.get("errorMessage")
        if error is not None:
            error.message, error.stackTrace = one_line(error.message), None
        # Deprecated twins of what `airflow` says, and all of a DAG's run.
        for name in ("airflow_mappedTask", "airflowDagRun", "debug"):
            facets.pop(name, None)
        return event
