"""Which databases a consolidation has to build: those whose marts are not the ones that readers have.

What a night leaves of a database is its *edition*: a landing of its marts, in the tables that `consolidated` has for
its app. `consolidated.databases` has the edition of each database, changed in the transaction that changes its rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tributary import naming, versions
from tributary.ledger.store import OpsStore, Row, execute
from tributary.sqlfiles import render_sql
from tributary.versions import DATABASES

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# Of the record of a landing (`OpsStore.landed`), what differs with each.
_LANDING = ("dump_date", "run_id", "dump_generation", "landed_at")
# The SQL of the consolidated models is in it.
_MACROS = "macros/consolidate.sql"


@dataclass(frozen=True)
class Holding:
    """What a kept version has of each database: the rows of its table of all databases."""

    version: str
    databases: Mapping[str, Row] = field(default_factory=dict)

    def edition(self, database: str) -> str | None:
        """None where the version lacks the database, its dump, or editions at all."""
        edition: str | None = self.databases.get(database, {}).get("edition")
        return edition

    def differing(self, other: Holding) -> list[str]:
        """The databases of either one that are not certain to have the same rows in both, sorted."""
        return sorted(
            name
            for name in {*self.databases, *other.databases}
            if self.edition(name) is None or self.edition(name) != other.edition(name)
        )


def definitions(manifest: Mapping[str, Any]) -> dict[str, str]:
    """By app, a digest of what its consolidated tables are: their models, the columns of each, and the macros.

    :param manifest: dbt's.
    """
    macros = sorted(
        macro["macro_sql"] for macro in manifest["macros"].values() if macro["original_file_path"] == _MACROS
    )
    tables: dict[str, list[Any]] = {}
    for name, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] == "model" and node["fqn"][1] == naming.CONSOLIDATED:
            columns = {name: [about["data_type"], about["constraints"]] for name, about in node["columns"].items()}
            tables.setdefault(node["fqn"][2], []).append([name, node["checksum"]["checksum"], columns])
    return {app: digest([macros, found]) for app, found in tables.items()}


def editions(
    landed: Mapping[str, Mapping[str, Any]], apps: Mapping[str, Iterable[str]], defined: Mapping[str, str]
) -> dict[str, str]:
    """The edition of each database that has landed, from the records of `OpsStore.landed` and `definitions`."""
    return {
        database: digest([defined[app], landing(landed[database])])
        for app, databases in apps.items()
        for database in databases
        if database in landed
    }


def landing(record: Mapping[str, Any]) -> list[str]:
    """What tells a landing from all others, by its record or the record's JSON."""
    return [value.isoformat() if hasattr(value := record[part], "isoformat") else str(value) for part in _LANDING]


def held_by(client: Client, version: str) -> Holding | None:
    """What a version has, by its id; None where it is not kept, or not whole."""
    from google.api_core.exceptions import NotFound

    if not any(one.id == version and one.content for one in versions.kept(client)):
        return None
    sql = render_sql("consolidated/kept_databases", dataset=naming.version_dataset(version), table=DATABASES)
    try:
        return Holding(version, {row["database"]: dict(row) for row in execute(client, sql)})
    except NotFound:
        return None  # another run has removed it meanwhile


def held_by_readers(store: OpsStore) -> Holding | None:
    """What the live version has, if it is kept."""
    published = versions.published(store)
    return held_by(store.client, published[0].version) if published else None


def digest(document: Any) -> str:
    """A short text that differs when the document does."""
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]
