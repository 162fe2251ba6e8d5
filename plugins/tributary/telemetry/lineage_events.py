"""Lineage as Airflow's OpenLineage provider takes it.

The provider asks an operator once it has succeeded or failed, in a thread beside the task that has a time
limit of its own; what goes wrong here is logged and harms no task. Without a transport for the events
(docs/lineage.md) it asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tributary.telemetry.lineage import Dataset, Origins, Written, sources_of

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import DatasetFacet


class LineageMixin:
    """For operators that can say what they wrote from what: `lineage(context)`, asked after a success only."""

    def lineage(self, context: Context) -> Iterable[Written]:
        raise NotImplementedError

    def get_openlineage_facets_on_complete(self, task_instance: RuntimeTaskInstance) -> OperatorLineage:
        return operator_lineage(self.lineage(task_instance.get_template_context()))

    def get_openlineage_facets_on_failure(self, task_instance: RuntimeTaskInstance) -> OperatorLineage:
        """Nothing: the provider would take what holds after a success."""
        return operator_lineage(())


def operator_lineage(written: Iterable[Written]) -> OperatorLineage:
    """The provider's form of it."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    written = list(written)
    return OperatorLineage(
        inputs=[input_dataset(source) for source in sources_of(written)],
        outputs=[output_dataset(one) for one in written],
    )


def input_dataset(source: Dataset) -> InputDataset:
    """Something that was read, in the version that was."""
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset

    facets: dict[str, DatasetFacet] = {}
    if source.version:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=source.version)
    return InputDataset(namespace=source.namespace, name=source.name, facets=facets)


def output_dataset(written: Written) -> OutputDataset:
    """Something that was written, with its columns and where they come from, as far as known."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import schema_dataset

    facets = column_lineage(written.origins)
    if written.columns:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(name=name, type=data_type or None)
            for name, data_type in written.columns.items()
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    return OutputDataset(namespace=written.dataset.namespace, name=written.dataset.name, facets=facets)


def column_lineage(origins: Mapping[str, Origins]) -> dict[str, Any]:
    """The facet that says where columns come from, by its name; nothing where nothing is known."""
    from openlineage.client.facet_v2 import column_lineage_dataset

    fields = {
        column: column_lineage_dataset.Fields(
            inputFields=[
                column_lineage_dataset.InputField(namespace=dataset.namespace, name=dataset.name, field=field)
                for dataset, field in found
            ]
        )
        for column, found in origins.items()
        if found
    }
    return {"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)} if fields else {}
