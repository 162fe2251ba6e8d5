"""The kept versions of `consolidated`: one dataset each, a snapshot of every table as it was published.

A version is whole once its dataset has the label `content`; one without was left behind by a try that was
killed, and is removed after the next publish.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.ledger.store import OpsStore, execute
from tributary.sqlfiles import render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# The table of all databases: which day each one's rows are of.
DATABASES = "databases"

_DATASET = re.compile(rf"^{naming.version_dataset('')}(\d{{8}}T\d{{9}})$")
_LABEL = {"tributary": "version"}
# Requests at once. The jobs run in BigQuery; what is waited for here is its answers.
_AT_ONCE = 8


@dataclass(frozen=True)
class Version:
    """A version's id, which sorts by time, and the `content_of` what it keeps; None while it is not whole."""

    id: str
    content: str | None

    @property
    def dataset(self) -> str:
        return naming.version_dataset(self.id)


@dataclass(frozen=True)
class Publication:
    """What `ops.published` says of a version: see include/sql/ops/published.sql.

    `tables` has the rows by table, all of the version's tables; `as_of` the day of the dump by database.
    """

    version: str
    run_id: str
    day: str
    as_of: dict[str, str]
    tables: dict[str, int]
    row_count: int
    kind: str = "publish"
    published_by: str | None = None
    why: str | None = None
    published_at: datetime | None = None

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Publication:
        return cls(
            **{
                **row,
                "day": row["day"].isoformat(),
                "as_of": json.loads(row["as_of"]),
                "tables": json.loads(row["tables"]),
            }
        )

    def to_json(self) -> str:
        """The document that include/sql/consolidated/publication.sql reads."""
        texts = {"as_of": json.dumps(self.as_of), "tables": json.dumps(self.tables)}
        return json.dumps({**vars(self), **texts, "published_at": None})


def published(store: OpsStore) -> list[Publication]:
    """The versions that readers have seen, each with its newest record; the first one is what they see now."""
    return [Publication.from_row(row) for row in store.query("ops/published_versions")]


def kept(client: Client) -> list[Version]:
    """The versions that have a dataset, oldest first, those not whole too."""
    found = client.list_datasets(filter="labels.tributary:version", page_size=1000)
    versions = [
        Version(match[1], item.labels.get("content")) for item in found if (match := _DATASET.match(item.dataset_id))
    ]
    return sorted(versions, key=lambda version: version.id)


def content_of(client: Client, tables: Iterable[str], **further: Any) -> str:
    """A digest that differs when any of the audited tables was written again, or `further` differs.

    By the times of their last changes: asking for them costs nothing, where a checksum reads every byte.
    """
    references = [f"{client.project}.{naming.CONSOLIDATED_AUDIT}.{table}" for table in tables]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        changed = list(pool.map(lambda reference: client.get_table(reference).modified, references))
    document = json.dumps([references, changed, further], sort_keys=True, default=str)
    # A label's value has at most 63 characters.
    return hashlib.sha256(document.encode()).hexdigest()[:40]


def make(
    client: Client, location: str, *, content: str, tables: Iterable[str], databases: list[dict[str, Any]]
) -> Version:
    """Keep the audited tables, with the table of all databases, as a new version."""
    from google.cloud.bigquery import Dataset

    now = datetime.now(UTC)
    version = Version(f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}", content)
    dataset = Dataset(f"{client.project}.{version.dataset}")
    dataset.location = location
    dataset.labels = _LABEL
    dataset.description = "A version of `consolidated`, for `tributary rollback`; removed by itself after a while."
    dataset = client.create_dataset(dataset)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda table: _snapshot(client, version, table), tables))
    execute(
        client,
        render_sql("consolidated/databases", dataset=version.dataset),
        rows=json.dumps(databases),
        version=version.id,
    )
    dataset.labels = {**_LABEL, "content": content}
    client.update_dataset(dataset, ["labels"])
    return version


def prune(client: Client, store: OpsStore, keep: int) -> None:
    """Remove all versions but the live one and the newest `keep` of those that were published."""
    seen = [publication.version for publication in published(store)]
    versions = kept(client)
    staying = _staying(versions, seen, keep)
    for version in versions:
        if version.id not in staying:
            client.delete_dataset(version.dataset, delete_contents=True, not_found_ok=True)


def _staying(versions: Iterable[Version], seen: Sequence[str], keep: int) -> set[str]:
    """The ids to keep; `seen` are the published ones, the live one first."""
    restorable = sorted((version.id for version in versions if version.content and version.id in seen), reverse=True)
    return {*seen[:1], *restorable[:keep]}


def _snapshot(client: Client, version: Version, table: str) -> None:
    """A snapshot costs nothing while its table stands, and cannot be written to."""
    from google.cloud.bigquery import CopyJobConfig

    client.copy_table(
        f"{client.project}.{naming.CONSOLIDATED_AUDIT}.{table}",
        f"{client.project}.{version.dataset}.{table}",
        job_config=CopyJobConfig(operation_type="SNAPSHOT", write_disposition="WRITE_EMPTY"),
    ).result()
