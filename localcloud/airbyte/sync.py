"""One sync, and one reset: the work of a job."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
from google.api_core.exceptions import GoogleAPIError

from localcloud.airbyte.catalog import SourceStream, connect, discover
from localcloud.airbyte.config import Config
from localcloud.airbyte.connections import StreamBroken, StreamPlan, dataset_of, plan, table_of
from localcloud.airbyte.extract import Extract, Extractor
from localcloud.airbyte.store import Store, StreamState
from localcloud.airbyte.types import mysql_quoted
from localcloud.airbyte.warehouse import SchemaConflict, Staged, Warehouse
from localcloud.faults import Faults

Body = dict[str, Any]


class SyncFailed(Exception):
    """The job failed; the message is for its log."""


class Cancelled(Exception):
    """Somebody cancelled the job."""


@dataclass
class Task:
    """What a job works on. *interrupt* is set while there is something to interrupt."""

    job_id: int
    connection_id: str
    connection: Body
    source: Body
    destination: Body
    config: Config
    store: Store
    faults: Faults
    log: Callable[[str], None]
    cancel: threading.Event = field(default_factory=threading.Event)
    interrupt: Callable[[], None] = lambda: None
    rows: int = 0
    size: int = 0

    def check_cancelled(self) -> None:
        """Raise Cancelled when somebody cancelled."""
        if self.cancel.is_set():
            raise Cancelled


def reset(task: Task) -> None:
    """Empty the connection's tables and forget how far its streams came."""
    dataset = dataset_of(task.connection, task.source, task.destination)
    warehouse = Warehouse(task.destination, dataset)
    try:
        for stream in task.connection["configurations"]["streams"]:
            task.check_cancelled()
            table = table_of(stream, task.connection)
            warehouse.clear(table)
            old = task.store.stream(task.connection_id, stream["name"])
            task.store.move_stream(task.connection_id, stream["name"], StreamState(old.generation + 1, None))
            task.log(f"stream {stream['name']}: cleared {dataset}.{table}")
    finally:
        warehouse.close()


def sync(task: Task) -> None:
    """Move every configured stream, one after the other; a stream that fails does not stop the others.

    (Concurrent streams would gain nothing: the BigQuery emulator does one thing at a time.) Raises
    SyncFailed at the end when a stream failed, after the others are committed, and Cancelled.
    """
    dataset = dataset_of(task.connection, task.source, task.destination)
    found = discover(task.source)
    work_dir = task.config.work_dir(task.job_id)
    work_dir.mkdir(parents=True)
    failures: list[str] = []
    warehouse = Warehouse(task.destination, dataset)
    extensions = task.config.directory / "duckdb"
    try:
        warehouse.prepare()
        with Extractor(task.source, extensions, task.job_id) as extractor:
            task.interrupt = extractor.interrupt
            for stream in task.connection["configurations"]["streams"]:
                task.check_cancelled()
                try:
                    _move(task, stream, found, extractor, warehouse, work_dir)
                except (StreamBroken, SchemaConflict, SyncFailed, GoogleAPIError, duckdb.Error) as error:
                    task.check_cancelled()
                    failures.append(f"stream {stream['name']}: {type(error).__name__}: {error}")
                    task.log(f"ERROR {failures[-1]}")
    finally:
        task.interrupt = lambda: None
        warehouse.close()
        shutil.rmtree(work_dir, ignore_errors=True)
    if failures:
        raise SyncFailed(f"{len(failures)} stream(s) failed: {'; '.join(failures)}")


def _move(
    task: Task,
    stream: Body,
    found: dict[str, SourceStream],
    extractor: Extractor,
    warehouse: Warehouse,
    work_dir: Path,
) -> None:
    planned = plan(stream, task.connection, found)
    for note in planned.notes:
        task.log(f"WARN {note}")
    before = task.store.stream(task.connection_id, planned.name)
    after = _next_state(task.source, planned, before)
    condition = _condition(planned, before, after)
    folder = work_dir / str(len(list(work_dir.iterdir())))
    extract = extractor.table(planned.name, planned.columns, after.generation, condition, folder)
    if task.faults.take("stream_failed", lambda fault: fault.stream in ("", planned.name)):
        raise SyncFailed("injected fault")
    repeat = 2 if task.faults.take("duplicate_rows", lambda fault: fault.stream in ("", planned.name)) else 1

    task.check_cancelled()
    with warehouse.stage(planned.table, planned.columns, extract.files * repeat) as staged:
        task.check_cancelled()
        _commit(staged, planned)
    task.store.move_stream(task.connection_id, planned.name, after)
    shutil.rmtree(folder)
    _report(task, planned, replace(extract, rows=extract.rows * repeat, size=extract.size * repeat))


def _next_state(source: Body, planned: StreamPlan, before: StreamState) -> StreamState:
    """The state after this sync: overwriting starts a generation, a cursor goes to its present maximum."""
    if planned.cursor is None:
        generation = before.generation + 1 if "overwrite" in planned.mode else before.generation
        return StreamState(generation, None)
    with connect(source) as connection, connection.cursor() as cursor:
        column = mysql_quoted(planned.cursor.name)
        table = f"{mysql_quoted(source['database'])}.{mysql_quoted(planned.name)}"
        cursor.execute(f"select cast(max({column}) as char) from {table}")  # noqa: S608
        row: Any = cursor.fetchone()
    return StreamState(before.generation, row[0] if row[0] is not None else before.cursor)


def _condition(planned: StreamPlan, before: StreamState, after: StreamState) -> str:
    """The MySQL condition of an incremental read: beyond the last cursor value, up to the present one."""
    if planned.cursor is None or after.cursor is None:
        return ""
    column = mysql_quoted(planned.cursor.name)
    upper = f"{column} <= {_mysql_value(after.cursor)}"
    if before.cursor is None:
        return f"({upper} or {column} is null)"
    return f"{column} > {_mysql_value(before.cursor)} and {upper}"


def _mysql_value(text: str) -> str:
    """*text* as a MySQL literal. MySQL turns it into the type of the column that it is compared with."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _commit(staged: Staged, planned: StreamPlan) -> None:
    cursor = planned.cursor.target if planned.cursor else None
    if planned.mode == "full_refresh_overwrite":
        staged.overwrite()
    elif planned.mode == "full_refresh_overwrite_deduped":
        staged.overwrite(planned.primary_key)
    elif planned.mode == "incremental_deduped_history":
        staged.merge(planned.primary_key, cursor)
    else:
        staged.append()


def _report(task: Task, planned: StreamPlan, extract: Extract) -> None:
    task.rows += extract.rows
    task.size += extract.size
    task.store.move_job(task.job_id, "running", task.rows, task.size)
    task.log(f"stream {planned.name}: {extract.rows} rows, {extract.size} bytes, {planned.mode} into {planned.table}")
    for name, count in extract.nulled.items():
        task.log(f"WARN stream {planned.name}: {count} value(s) of {name} became NULL: BigQuery cannot hold them")
