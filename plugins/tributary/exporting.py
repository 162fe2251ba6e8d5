"""Tables as Parquet files in a bucket, with a manifest that says exactly what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tributary import naming, versions
from tributary.errors import TributaryError
from tributary.ledger.checksums import Content, bigquery_columns, bigquery_query, contents_of
from tributary.ledger.reading import table_columns
from tributary.ledger.store import OpsStore, execute
from tributary.quarantine.conditions import quoted
from tributary.registry import Registry
from tributary.sqlfiles import compose_sql

if TYPE_CHECKING:
    from google.cloud import storage
    from google.cloud.bigquery import Client

MANIFEST = "manifest.json"
_TARGET = re.compile(r"gs://(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/(?P<prefix>[\w.=-]+(?:/[\w.=-]+)*)/?")
_OWN = "_tributary"


@dataclass(frozen=True)
class Source:
    """What is exported: a dataset, and what is known of it. `fixed`: nobody changes it while it is read."""

    dataset: str
    fixed: bool
    about: Mapping[str, Any]


@dataclass(frozen=True)
class File:
    """One file: its object, and what the bucket says of it (CRC32C as base 64, big-endian)."""

    name: str
    bytes: int
    crc32c: str


@dataclass(frozen=True)
class ExportedTable:
    """One table: its rows, the checksum of their content as in `ops.ledger`, its columns with types, and its files."""

    rows: int
    checksum: str | None
    columns: Mapping[str, str]
    files: tuple[File, ...]


@dataclass(frozen=True)
class Manifest:
    """What stands in `manifest.json`, which is written last: without it an export is not whole."""

    source: str
    about: Mapping[str, Any]
    exported_at: str
    exported_by: str
    tables: Mapping[str, ExportedTable]
    format: str = "parquet"

    def to_json(self) -> str:
        """The document, the same for the same export."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def source_of(name: str, client: Client, store: OpsStore, registry: Registry) -> Source:
    """What people mean by a name: a snapshot, a version, `consolidated` (the live version), or a database.

    Raises TributaryError that lists what there is.
    """
    newest_first = versions.published(store)
    seen = {one.version: one for one in reversed(newest_first)}
    live = newest_first[0].version if newest_first else None
    for version in versions.kept(client):
        names = {version.id, version.snapshot, naming.CONSOLIDATED if version.id == live else None}
        if name in names and version.id in seen:
            published = seen[version.id]
            about = {
                "snapshot": version.snapshot,
                "version": version.id,
                "day": published.day,
                "as_of": published.as_of,
                "run_id": published.run_id,
            }
            return Source(version.dataset, True, about)
    if name in registry.databases:
        return Source(naming.dataset(name), False, {"database": name, "app": registry.databases[name].app})
    known = ", ".join(registry.databases)
    raise TributaryError(
        f"expected a snapshot, a version, `consolidated` or a database ({known}), found {name!r}; "
        "`tributary snapshot list` and `tributary rollback --list` show the first two"
    )


def export(client: Client, bucket_client: storage.Client, source: Source, target: str, *, who: str) -> Manifest:
    """Write every table of a dataset below a folder of a bucket, and the manifest.

    :param target: `gs://BUCKET/FOLDER`; nothing may be there.
    Raises TributaryError for another form, a folder that is not empty, and a dataset that changed meanwhile; what was
    written until then stays, without a manifest.
    """
    match = _TARGET.fullmatch(target)
    if not match:
        raise TributaryError(f"expected a folder such as gs://BUCKET/exports/2013-01-02, found {target!r}")
    bucket, prefix = bucket_client.bucket(match["bucket"]), match["prefix"]
    if next(iter(bucket_client.list_blobs(bucket, prefix=f"{prefix}/", max_results=1)), None):
        raise TributaryError(f"expected an empty folder, found objects in gs://{bucket.name}/{prefix}")
    types = {
        name: columns
        for name, columns in sorted(table_columns(client, source.dataset).items())
        if not name.startswith(_OWN)
    }
    if not types:
        raise TributaryError(f"expected tables in {source.dataset}, found none")
    contents = _contents(client, source, types)
    folder = f"gs://{bucket.name}/{prefix}"
    for name, columns in types.items():
        pieces = {"columns": ", ".join(map(quoted, columns))}
        execute(
            client, compose_sql("export/table", pieces, {"target": folder, "dataset": source.dataset, "table": name})
        )
    if not source.fixed and _contents(client, source, types) != contents:
        raise TributaryError(f"{source.dataset} changed while it was exported; export again into another folder")
    tables = {
        name: ExportedTable(contents[name].rows, contents[name].checksum, types[name], _files(bucket, prefix, name))
        for name in types
    }
    manifest = Manifest(source.dataset, source.about, datetime.now(UTC).isoformat(timespec="seconds"), who, tables)
    bucket.blob(f"{prefix}/{MANIFEST}").upload_from_string(manifest.to_json(), content_type="application/json")
    return manifest


def _contents(client: Client, source: Source, types: Mapping[str, Mapping[str, str]]) -> dict[str, Content]:
    columns = {name: bigquery_columns(of) for name, of in types.items()}
    return contents_of(execute(client, bigquery_query(source.dataset, columns)), columns)


def _files(bucket: Any, prefix: str, table: str) -> tuple[File, ...]:
    blobs = bucket.client.list_blobs(bucket, prefix=f"{prefix}/{table}/")
    files = [File(blob.name, int(blob.size), blob.crc32c) for blob in blobs]
    return tuple(sorted(files, key=lambda file: file.name))
