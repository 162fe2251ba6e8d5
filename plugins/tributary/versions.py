"""The kept versions of `consolidated`: one dataset each, with every table as it was published.

A table is a snapshot of the audited one; or, where some databases have not changed, a copy of the one in an older
version, with the audited rows in place of those of the databases that have.

A version is whole once its dataset has the label `content`; one without is being made, or was left behind by
a try that was killed, and is removed after the next publish.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.errors import OvertakenError, PlanOutdatedError
from tributary.job_labels import labels_of
from tributary.ledger.store import OpsStore, execute
from tributary.sqlfiles import compose_sql, names_sql, render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# The table of all databases: which day each one's rows are of.
DATABASES = "databases"

_DATASET = re.compile(rf"^{naming.version_dataset('')}(\d{{8}}T\d{{9}})$")
_LABEL = {"tributary": "version"}
# What the dataset of a version says of itself, unless it is a snapshot.
DESCRIPTION = "A version of `consolidated`, for `tributary rollback`; removed by itself after a while."
# Requests at once. The jobs run in BigQuery; what is waited for here is its answers.
_AT_ONCE = 8

# When each of the audited tables was last written.
Changes = Mapping[str, datetime | None]


@dataclass(frozen=True)
class Version:
    """A version's id, which sorts by time, and the `content_of` what it keeps; None while it is not whole.

    One with the name of a `snapshot` is kept until that is removed.
    """

    id: str
    content: str | None
    snapshot: str | None = None

    @property
    def dataset(self) -> str:
        return naming.version_dataset(self.id)


@dataclass(frozen=True)
class Base:
    """An older version that a new one is made from: in these tables, all rows but those of the `replaced` databases."""

    version: str
    tables: frozenset[str]
    replaced: tuple[str, ...]

    @property
    def dataset(self) -> str:
        return naming.version_dataset(self.version)


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
        Version(match[1], item.labels.get("content"), item.labels.get("snapshot") or None)
        for item in found
        if (match := _DATASET.match(item.dataset_id))
    ]
    return sorted(versions, key=lambda version: version.id)


def changes(client: Client, tables: Iterable[str]) -> Changes:
    """When each of the audited tables was last written: the same twice if nothing was written in between.

    Asking for it costs nothing, where a checksum reads every byte, and misses the columns that it cannot sum.
    """
    names = list(tables)
    references = [f"{client.project}.{naming.CONSOLIDATED_AUDIT}.{name}" for name in names]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(
            zip(names, pool.map(lambda reference: client.get_table(reference).modified, references), strict=True)
        )


def content_of(written: Changes, **further: Any) -> str:
    """A digest that differs when any of the audited tables was written again, or `further` differs."""
    document = json.dumps([written, further], sort_keys=True, default=str)
    # A label's value has at most 63 characters.
    return hashlib.sha256(document.encode()).hexdigest()[:40]


def make(
    client: Client,
    location: str,
    *,
    content: str,
    written: Changes,
    databases: list[dict[str, Any]],
    base: Base | None = None,
) -> Version:
    """Keep what the audited tables hold, with the table of all databases, as a new version.

    :param written: the audited tables, and when each was last written before it was checked.
    :param base: what the version's tables have besides; without it, the audited ones hold all.
    Raises OvertakenError, and leaves no whole version, where another run has written one of them since: the version's
    tables are made one by one, so that some would have its rows and some the checked ones. PlanOutdatedError where the
    older version has gone, or has other columns.
    """
    from google.cloud.bigquery import Dataset

    now = datetime.now(UTC)
    version = Version(f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}", content)
    dataset = Dataset(f"{client.project}.{version.dataset}")
    dataset.location = location
    dataset.labels = _LABEL
    dataset.description = DESCRIPTION
    dataset = client.create_dataset(dataset)
    with not_removed(client, version.id):
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda table: _keep(client, version, table, base), written))
        if rewritten := sorted(set(written.items()) ^ set(changes(client, written).items())):
            raise OvertakenError(
                f"{', '.join(dict(rewritten))} of {naming.CONSOLIDATED_AUDIT} changed between their check and the "
                "making of the version: another run of consolidate builds them. Nothing was published. The next try "
                "reads them again; where it finds the rows of another day, clear await_databases and what follows."
            )
        execute(
            client,
            render_sql("consolidated/databases", dataset=version.dataset),
            rows=json.dumps(databases),
            version=version.id,
        )
        dataset.labels = {**_LABEL, "content": content}
        client.update_dataset(dataset, ["labels"])
    return version


@contextmanager
def not_removed(client: Client, version: str) -> Iterator[None]:
    """Raises OvertakenError where another run has removed the version meanwhile, as it has published a newer one."""
    from google.api_core.exceptions import NotFound

    try:
        yield
    except NotFound:
        if any(one.id == version for one in kept(client)):
            raise
        # Not from it: what is not found is not what a person has to look for.
        raise OvertakenError(
            f"another run of consolidate has published a newer version and removed this one, {version}, which was "
            "not published yet. The next try makes its own from the audited tables."
        ) from None


def prune(client: Client, store: OpsStore, keep: int) -> None:
    """Remove all versions but the live one, the newest `keep` of those that were published, and people's snapshots.

    One that is newer than the live one and was never published stays: another run may be about to.
    """
    seen = [publication.version for publication in published(store)]
    versions = kept(client)
    staying = _staying(versions, seen, keep)
    for version in versions:
        if version.id not in staying:
            client.delete_dataset(version.dataset, delete_contents=True, not_found_ok=True)


def _staying(versions: Iterable[Version], seen: Sequence[str], keep: int) -> set[str]:
    """The ids to keep; `seen` are the published ones, the live one first."""
    known = list(versions)
    restorable = sorted((version.id for version in known if version.content and version.id in seen), reverse=True)
    live = seen[0] if seen else ""
    coming = {version.id for version in known if version.id > live and version.id not in seen}
    named = {version.id for version in known if version.snapshot}
    return {live, *restorable[:keep], *coming, *named}


def _keep(client: Client, version: Version, table: str, base: Base | None) -> None:
    if base and table in base.tables:
        _replace(client, version, table, base)
    else:
        _snapshot(client, version, table)


def _replace(client: Client, version: Version, table: str, base: Base) -> None:
    """The table of the older version, with the audited rows in place of those of the replaced databases."""
    from google.api_core.exceptions import NotFound

    project = client.project
    try:
        source = client.get_table(f"{project}.{base.dataset}.{table}")
        # A clone would cost less, but BigQuery makes none of the third in a row.
        # https://cloud.google.com/bigquery/quotas#table_clones
        operation = "RESTORE" if source.table_type == "SNAPSHOT" else "COPY"
        copy_table(client, f"{base.dataset}.{table}", f"{version.dataset}.{table}", operation)
    except NotFound:
        if not any(one.id == base.version for one in kept(client)):
            raise PlanOutdatedError(f"version {base.version}, which rows were taken from, was removed") from None
        raise
    columns = [field.name for field in source.schema]
    audited = client.get_table(f"{project}.{naming.CONSOLIDATED_AUDIT}.{table}")
    if sorted(columns) != sorted(field.name for field in audited.schema):
        raise PlanOutdatedError(
            f"{naming.CONSOLIDATED_AUDIT}.{table} has other columns than version {base.version} has"
        )
    sql = compose_sql(
        "consolidated/replace",
        {"replaced": names_sql(base.replaced)},
        {
            "dataset": version.dataset,
            "table": table,
            "columns": ", ".join(columns),
            "audit": naming.CONSOLIDATED_AUDIT,
        },
    )
    execute(client, sql)


def _snapshot(client: Client, version: Version, table: str) -> None:
    """A snapshot costs nothing while its table stands, and cannot be written to."""
    copy_table(client, f"{naming.CONSOLIDATED_AUDIT}.{table}", f"{version.dataset}.{table}", "SNAPSHOT")


def copy_table(client: Client, source: str, target: str, operation: str) -> None:
    """Copy a table, `dataset.table`, to a name that is free; `operation` as in BigQuery's copy jobs."""
    from google.cloud.bigquery import CopyJobConfig

    client.copy_table(
        f"{client.project}.{source}",
        f"{client.project}.{target}",
        job_config=CopyJobConfig(operation_type=operation, write_disposition="WRITE_EMPTY", labels=labels_of(client)),
    ).result()
