"""The lineage of what dbt builds: an event for each model, below the task that runs dbt.

Cosmos reads dbt's artifacts after each run and keeps an event for every model that was built, also where
others failed. Two things are put right in it: a task's event with all models in it would say that each
came from everything, so each is an event of its own; and tables and columns come from the SQL that ran,
since the manifest does not know what the consolidated models read, and OpenLineage's parser alone finds
no column in a model that ends with `select * from final`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tributary.telemetry.compiled_sql import reads
from tributary.telemetry.lineage import BIGQUERY, MOST_TABLES_WITH_COLUMNS, Dataset
from tributary.telemetry.lineage_events import column_lineage, input_dataset, operator_lineage

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from openlineage.client.event_v2 import RunEvent


def emit_models(task_instance: RuntimeTaskInstance) -> OperatorLineage:
    """Send the events of the models that were built; the task itself wrote nothing beyond them."""
    from airflow.providers.openlineage.api import emit

    for event in model_events(task_instance):
        emit(event)
    return operator_lineage(())


def model_events(task_instance: RuntimeTaskInstance) -> Iterator[RunEvent]:
    """An event for each model that dbt built in the task's latest run, in the order in which it did."""
    # The instance that ran, not the one that the DAG was made with: Airflow runs a copy.
    for built in task_instance.task.openlineage_events_completes:
        if built.outputs and "sql" in built.job.facets:
            yield _event(task_instance, built)


def _event(task_instance: RuntimeTaskInstance, built: Any) -> RunEvent:
    from airflow.providers.openlineage.plugins import macros
    from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState

    (output,) = built.outputs
    found = reads(built.job.facets["sql"].query)
    facets = {name: facet for name, facet in output.facets.items() if name != "columnLineage"}
    if len(found.tables) <= MOST_TABLES_WITH_COLUMNS:
        origins = {
            column: tuple((Dataset(BIGQUERY, table), field) for table, field in sources)
            for column, sources in found.columns.items()
        }
        facets |= column_lineage(origins)
    model = f"{task_instance.task_id.rpartition('.')[0]}.{output.name.rpartition('.')[2]}"
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=built.eventTime,
        run=Run(_run_id(task_instance, model), facets={**built.run.facets, **_parent(task_instance)}),
        job=Job(macros.lineage_job_namespace(), f"{task_instance.dag_id}.{model}", facets=built.job.facets),
        inputs=[input_dataset(Dataset(BIGQUERY, table)) for table in found.tables],
        outputs=[OutputDataset(namespace=output.namespace, name=output.name, facets=facets)],
        producer=built.producer,
    )


def _run_id(task_instance: RuntimeTaskInstance, model: str) -> str:
    """The id that a task of that name would have: the same for the same try, another for the next."""
    from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter

    run = task_instance.get_template_context()["dag_run"]
    run_id: str = OpenLineageAdapter.build_task_instance_run_id(
        dag_id=task_instance.dag_id,
        task_id=model,
        try_number=task_instance.try_number,
        logical_date=run.logical_date or run.run_after,
        map_index=task_instance.map_index,
    )
    return run_id


def _parent(task_instance: RuntimeTaskInstance) -> dict[str, Any]:
    from airflow.providers.openlineage.plugins import macros
    from openlineage.client.facet_v2 import parent_run

    root = parent_run.Root(
        run=parent_run.RootRun(macros.lineage_root_run_id(task_instance)),
        job=parent_run.RootJob(
            macros.lineage_root_job_namespace(task_instance), macros.lineage_root_job_name(task_instance)
        ),
    )
    facet = parent_run.ParentRunFacet(
        run=parent_run.Run(macros.lineage_run_id(task_instance)),
        job=parent_run.Job(macros.lineage_job_namespace(), macros.lineage_job_name(task_instance)),
        root=root,
    )
    return {"parent": facet}
