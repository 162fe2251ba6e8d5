"""Which data comes from which, step by step, in OpenLineage's names for it.

Pure: what a step wrote is said in the terms of the registry and of dbt's manifest; `lineage_events` makes
events of it. Source of the names: https://openlineage.io/docs/spec/naming/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tributary import naming
from tributary.registry import Database, Table

BIGQUERY = "bigquery"
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


def published(project: str, tables: Mapping[str, Mapping[str, str]], databases: str) -> list[Written]:
    """What `publish` writes: the audited tables as they are, and the table that says what they hold.

    :param tables: the columns of each audited table, with their types.
    :param databases: the name of the table with a row for each database; its rows are counted in all others.
    """
    audited = {name: bigquery_table(project, naming.CONSOLIDATED_AUDIT, name) for name in tables}
    copies = [
        _copy(audited[name], bigquery_table(project, naming.CONSOLIDATED, name), columns)
        for name, columns in tables.items()
    ]
    return [*copies, Written(bigquery_table(project, naming.CONSOLIDATED, databases), tuple(audited.values()))]


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
