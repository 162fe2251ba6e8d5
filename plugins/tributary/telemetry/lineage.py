"""Which data comes from which, step by step, in OpenLineage's names for it.

Pure: what a step wrote is said in the terms of the registry and of dbt's manifest; `lineage_events` makes
events of it. Source of the names: https://openlineage.io/docs/spec/naming/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tributary import naming
from tributary.contracts import Table
from tributary.registry import Database

BIGQUERY = "bigquery"
# Columns are told of what is made from at most so many tables. Each further one makes every column's entry
# longer; a consolidated table of a thousand databases would have an event of megabytes.
MOST_TABLES_WITH_COLUMNS = 100
# And of a table's databases whose rows stay, so many are named: as many as of those that change.
_MOST_STAYING = 400
# MySQL's own port, for a connection that names none.
MYSQL_PORT = 3306


@dataclass(frozen=True, order=True)
class Dataset:
    """A table or an object. Two of the same name are the same, whatever `version` was read."""

    namespace: str
    name: str
    version: str = field(default="", compare=False)


# Where a column's values come from, as table and column.
Origins = tuple[tuple[Dataset, str], ...]


@dataclass(frozen=True)
class Written:
    """A table that a step wrote, and what it made it from.

    `columns`: name and type, with an empty type where it is not known here. `origins`: for each column
    with a known origin, where its values come from; a column that is counted or constant has none.
    """

    dataset: Dataset
    sources: tuple[Dataset, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origins] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """Where a MySQL server listens."""

    host: str
    port: int = MYSQL_PORT

    def table(self, database: str, table: str) -> Dataset:
        """A table of the server."""
        return Dataset(f"mysql://{self.host}:{self.port}", f"{database}.{table}")


def dump_object(bucket: str, name: str, generation: int) -> Dataset:
    """A dump in Cloud Storage; its version is the object's generation."""
    return Dataset(f"gs://{bucket}", name, version=str(generation))


def bigquery_table(project: str, dataset: str, table: str) -> Dataset:
    """A table or view in BigQuery."""
    return Dataset(BIGQUERY, f"{project}.{dataset}.{table}")


def imported(tables: Mapping[str, Table], staging: str, dump: Dataset, server: Server) -> list[Written]:
    """What `import_dump` writes: every table of the contract, in the staging database."""
    return [
        Written(
            server.table(staging, name),
            (dump,),
            columns={column: about.type for column, about in table.columns.items()},
        )
        for name, table in tables.items()
    ]


def synced(database: Database, server: Server, project: str) -> list[Written]:
    """What `sync` writes: every table of the contract in raw, with the columns that are copied."""
    staging, raw = naming.staging_database(database.name), naming.raw_dataset(database.name)
    return [
        _copy(
            server.table(staging, name), bigquery_table(project, raw, name), dict.fromkeys(table.selected_columns, "")
        )
        for name, table in database.contract.tables.items()
    ]


def published(
    project: str,
    tables: Mapping[str, Mapping[str, str]],
    databases: str,
    staying: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Written]:
    """What `publish` writes: the audited tables as they are, and the table that says what they hold.

    :param tables: the columns of each audited table, with their types.
    :param databases: the name of the table with a row for each database; its rows are counted in all others.
    :param staying: by table, the databases whose rows were not audited anew: they come from the marts, by way of the
        versions before. So an event names all that its tables hold, and no older one has to be known.
    """
    copies = [
        _published(project, name, columns, staying.get(name, ())[:_MOST_STAYING]) for name, columns in tables.items()
    ]
    return [*copies, Written(bigquery_table(project, naming.CONSOLIDATED, databases), tuple(sources_of(copies)))]


def _published(project: str, table: str, columns: Mapping[str, str], staying: Sequence[str]) -> Written:
    audited = bigquery_table(project, naming.CONSOLIDATED_AUDIT, table)
    marts = tuple(bigquery_table(project, naming.dataset(database), table) for database in staying)
    target = bigquery_table(project, naming.CONSOLIDATED, table)
    if len(marts) > MOST_TABLES_WITH_COLUMNS:
        return Written(target, (audited, *marts), columns=columns)
    origins = {
        name: ((audited, name), *((mart, name) for mart in marts if name != naming.DATABASE_COLUMN)) for name in columns
    }
    return Written(target, (audited, *marts), columns=columns, origins=origins)


def consolidated_columns(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The columns of every consolidated table, with their types, from dbt's manifest."""
    return {
        node["alias"]: {name: column.get("data_type") or "" for name, column in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == naming.CONSOLIDATED
    }


def sources_of(written: Iterable[Written]) -> list[Dataset]:
    """All that was read, each once, in a stable order."""
    return list(dict.fromkeys(source for one in written for source in one.sources))


def _copy(source: Dataset, target: Dataset, columns: Mapping[str, str]) -> Written:
    return Written(target, (source,), columns=columns, origins={name: ((source, name),) for name in columns})
