"""Reading what BigQuery's tables hold: each dataset's columns with one query, and their content with one more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tributary.ledger.checksums import Content, bigquery_columns, bigquery_query, contents_of
from tributary.ledger.store import execute
from tributary.sqlfiles import render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# Where Airbyte says what it has changed in a row.
_META = "_airbyte_meta"


def table_columns(client: Client, dataset: str) -> dict[str, dict[str, str]]:
    """By table of a dataset, the BigQuery type of each column, in the table's order."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, data_type in execute(client, render_sql("columns", dataset=dataset)):
        columns.setdefault(table, {})[column] = data_type
    return columns


def changed_values(client: Client, dataset: str, tables: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """By column, how many values a loader could not write as they are: `table_name`, `column_name`, `change`, ...

    `tables` are those to look at, with their columns: a loader that keeps no such record has none.
    """
    names = [name for name, columns in tables.items() if _META in columns]
    query = "\nunion all\n".join(f"({render_sql('raw/changed_values', dataset=dataset, table=name)})" for name in names)
    return [dict(row) for row in execute(client, query)] if names else []


def row_counts(client: Client, dataset: str, tables: Iterable[str]) -> dict[str, int]:
    """The rows of tables that are there, with one query, for which BigQuery reads nothing of them."""
    counted = " union all ".join(f"select '{name}', count(*) from `{dataset}`.`{name}`" for name in tables)  # noqa: S608
    return {name: int(rows) for name, rows in execute(client, counted)} if counted else {}


def partition_contents(client: Client, dataset: str, tables: Iterable[str], day: str) -> dict[str, Content]:
    """What the marts of a dataset hold for the dump of a day such as 2013-01-31."""
    types = table_columns(client, dataset)
    columns = {table: bigquery_columns(types.get(table, {})) for table in tables}
    query = bigquery_query(dataset, columns, "_dump_date = cast(@day as date)")
    return contents_of(execute(client, query, day=day), columns)


def rows_as_of(client: Client, dataset: str, histories: Iterable[str], day: str) -> dict[str, int]:
    """By history of a dataset, the rows that it has as of a day such as 2013-01-31."""
    names = list(histories)
    query = "\nunion all\n".join(f"({render_sql('history/rows_as_of', dataset=dataset, table=name)})" for name in names)
    return {name: int(rows) for name, rows in execute(client, query, day=day)} if names else {}
