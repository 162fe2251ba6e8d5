"""What the `tributary` command shows: rows as plain dictionaries, and ways to print them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from rich.table import Table

from tributary import naming
from tributary.airflow_api import AirflowApi
from tributary.dumps.selection import prefix_for
from tributary.ledger.store import OpsStore
from tributary.registry import Database, Registry
from tributary.settings import Settings

Row = dict[str, Any]


def status_rows(registry: Registry, airflow: AirflowApi, store: OpsStore) -> list[Row]:
    """One row per database of the registry, broken ones too."""
    landed = store.landed(date.max)
    rows: list[Row] = []
    for name, database in registry.databases.items():
        run = airflow.latest_run(naming.dag_id(name))
        record = landed.get(name)
        rows.append(
            {
                "database": name,
                "app": database.app,
                "last_run": run["dag_run_id"] if run else None,
                "state": run["state"] if run else "never ran",
                "fresh_to": record["dump_date"].isoformat() if record else None,
                "landed": _age(record["landed_at"]) if record else None,
                "rows": record["row_count"] if record else None,
            }
        )
    rows += [
        {"database": broken.name, "app": None, "state": "broken entry: run `tributary check`"}
        for broken in registry.broken
    ]
    return rows


def dump_rows(database: Database) -> list[Row]:
    """The objects below the database's part of the bucket, of any day, oldest first."""
    from google.cloud.storage import Client

    bucket = Settings.from_environment().dumps_bucket
    blobs = Client().list_blobs(bucket, prefix=prefix_for(database.dump_pattern, database.name, "*"))
    rows = [
        {"object": f"gs://{bucket}/{blob.name}", "bytes": blob.size, "updated": blob.updated.isoformat()}
        for blob in blobs
    ]
    return sorted(rows, key=lambda row: str(row["object"]))


def to_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, title: str | None = None
) -> Table:
    """A table for a terminal; numbers are right-aligned and get thousands separators."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in names:
        numeric = any(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    """RFC 4180 text with a header line; an empty field for NULL."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    return f"{value:,}"


def _age(moment: datetime) -> str:
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
