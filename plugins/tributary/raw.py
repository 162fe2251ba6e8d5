"""Whose dump a raw dataset holds, by the marker that the sync removes before it begins and leaves at its end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tributary import naming
from tributary.errors import RawTakenError
from tributary.ledger.store import execute
from tributary.sqlfiles import render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def require_load(client: Client, database: str, *, day: date, run_id: str | None = None) -> None:
    """Raise RawTakenError, which says how to go on, unless raw holds the dump of that day, and of that run if given."""
    from google.api_core.exceptions import NotFound

    raw = naming.raw_dataset(database)
    try:
        loads = list(execute(client, render_sql("raw/load", dataset=raw, table=naming.LOAD_MARKER)))
    except NotFound:
        loads = []
    if loads and loads[0]["dump_date"] == day and run_id in (None, loads[0]["run_id"]):
        return
    held = f"the dump of {loads[0]['dump_date']}, loaded by run {loads[0]['run_id']!r}" if loads else "no whole dump"
    reader = f" of run {run_id!r}" if run_id else ""
    raise RawTakenError(
        f"{raw} holds {held}; wanted is that of {day}{reader}. "
        "Clear import_dump of this run, with everything downstream, to load its own dump again."
    )
