"""The only module that talks to Great Expectations; it is imported inside functions (7 CPU-seconds).

A batch is validated in two steps, because what GX gathers about failing rows costs a query or
more for each rule, and on a clean table there are none:

1. verdicts for all rules on rows at once, which GX bundles into few queries, with the result
   format BOOLEAN_ONLY; rules on the table as a whole in the same way, with their observed value,
   which of a query for rows is their number;
2. for each rule that does not hold (or that tolerates some rows): counts and the keys of rows.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from tributary.dead_letters.redaction import one_line
from tributary.quality.contract_rules import PARTITION_COLUMN
from tributary.quality.rules import UNEXPECTED_ROWS, Rule

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# Rows that GX looks at for sample keys; rows of one duplicate share a key, so more than are shown.
_ROWS_LOOKED_AT = 20


def open_datasource(client: Client) -> Any:
    """A BigQuery data source of a context that lives in memory; queries go through `client`.

    So credentials, project, location and endpoint are the client's. Sends no usage statistics.
    """
    import great_expectations as gx

    # At INFO it writes several lines per rule about its own insides.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars={"globally": False, "metric_calculations": False},
        ),
    )
    return context.data_sources.add_bigquery(
        "bigquery",
        connection_string=f"bigquery://{client.project}/?user_supplied_client=True",
        kwargs={"connect_args": {"client": client}},
    )


def open_batch(datasource: Any, dataset: str, table: str) -> Any:
    """The batch of a whole table, which must exist; a partition is the expectations' business."""
    with warnings.catch_warnings():
        # GX would have the dataset in the connection instead. Unqualified tables are what that
        # gives, and one data source per dataset.
        warnings.filterwarnings("ignore", message="`?schema_name", category=DeprecationWarning)
        asset = datasource.add_table_asset(f"{dataset}.{table}", table_name=table, schema_name=dataset)
    return asset.add_batch_definition_whole_table("all").get_batch()


def expectation(rule: Rule, partition: date | None) -> Any:
    """GX's expectation for a rule, restricted to the rows of a partition where one is given.

    Raises whatever GX raises for a type or argument that it does not know, and ValueError for a
    type that cannot be restricted: it would look at all days.
    """
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.expectations.row_conditions import Column

    implementation = get_expectation_impl(rule.type)
    kwargs = dict(rule.kwargs)
    if partition is not None and rule.type != UNEXPECTED_ROWS:
        if "row_condition" not in implementation.__fields__:
            raise ValueError(f"{rule.type} cannot look at one partition alone; expected another type of rule")
        kwargs["row_condition"] = Column(PARTITION_COLUMN) == partition
    return implementation(**kwargs, meta={"rule": rule.name})


def without_rows(expectation: Any) -> Any:
    """An expectation for the first step: a query for rows that break a rule only counts them."""
    from great_expectations.expectations.core import UnexpectedRowsExpectation

    from tributary.quality.counted_rows import CountedRowsExpectation

    if not isinstance(expectation, UnexpectedRowsExpectation):
        return expectation
    return CountedRowsExpectation(unexpected_rows_query=expectation.unexpected_rows_query, meta=expectation.meta)


def is_row_rule(expectation: Any) -> bool:
    """Whether GX gives a verdict per row, and so counts failing rows."""
    from great_expectations.expectations import expectation as gx

    return isinstance(expectation, gx.ColumnMapExpectation | gx.ColumnPairMapExpectation | gx.MulticolumnMapExpectation)


def validate(
    batch: Any, expectations: Iterable[Any], result_format: str, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """GX's results by the name of the rule; a rule that raised has a result that says so."""
    from great_expectations.core import ExpectationSuite

    suite = ExpectationSuite("rules", expectations=list(expectations))
    if not suite.expectations:
        return {}
    outcome = batch.validate(suite, result_format=result_format, expectation_parameters=dict(parameters))
    return {result.expectation_config.meta["rule"]: result for result in outcome.results}


def details(batch: Any, expectation: Any, key: tuple[str, ...], parameters: Mapping[str, Any]) -> Any:
    """GX's result for one rule on rows, with counts and a few keys (see `keys_of`)."""
    # A column that the rule is about comes along by itself; named twice it would be a duplicate
    # column name, which BigQuery refuses.
    index = [column for column in key if column not in domain(expectation)]
    result_format: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": _ROWS_LOOKED_AT}
    if index:
        result_format["unexpected_index_column_names"] = index
    return batch.validate(expectation, result_format=result_format, expectation_parameters=dict(parameters))


def domain(expectation: Any) -> list[str]:
    """The columns that an expectation on rows is about, in GX's order."""
    if hasattr(expectation, "column_list"):
        return list(expectation.column_list)
    names = (getattr(expectation, name, None) for name in ("column", "column_A", "column_B"))
    return [name for name in names if name is not None]


def keys_of(content: Mapping[str, Any], expectation: Any, key: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The keys of failing rows in a result's content; whatever else GX has put there is left out."""
    if not key:
        return []
    rows: list[Any] = (
        content.get("partial_unexpected_index_list")
        or content.get("details", {}).get("unexpected_rows")
        or content.get("partial_unexpected_list")
        or []
    )
    columns = domain(expectation)
    keys = []
    for row in rows:
        values = row
        if not isinstance(row, Mapping):
            values = dict(zip(columns, row if len(columns) > 1 else [row], strict=True))
        if all(column in values for column in key):
            keys.append(tuple(values[column] for column in key))
    return keys


def error_of(result: Any) -> str | None:
    """Why a rule raised, in one line without content of rows, which BigQuery quotes; None when it did not.

    GX has two forms: one exception, or a mapping of metrics to exceptions.
    """
    info = result.exception_info or {}
    faults = [info] if "raised_exception" in info else info.values()
    raised = [str(fault.get("exception_message")) for fault in faults if fault.get("raised_exception")]
    return one_line("; ".join(dict.fromkeys(raised))) if raised else None
