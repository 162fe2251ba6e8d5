"""The service's state in one SQLite file: what was configured, what ran, and how far each stream came."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["source", "destination", "connection"]
Body = dict[str, Any]

SCHEMA = """
create table if not exists resources (
    id text primary key, kind text not null, created_at integer not null,
    deleted integer not null default 0, body text not null);
create table if not exists jobs (
    id integer primary key autoincrement, connection_id text not null, type text not null,
    status text not null,
    created_at real not null, updated_at real not null, rows_synced integer, bytes_synced integer);
create table if not exists streams (
    connection_id text not null, name text not null, generation integer not null, cursor text,
    primary key (connection_id, name));
"""

OPEN = ("pending", "running", "incomplete")
"""States of a job that is not over."""


@dataclass(frozen=True)
class Resource:
    """A source, destination or connection; *body* is as it was sent, secrets included."""

    id: str
    kind: Kind
    created_at: int
    body: Body


@dataclass(frozen=True)
class Job:
    """One job; times are seconds since the epoch."""

    id: int
    connection_id: str
    type: str
    status: str
    created_at: float
    updated_at: float
    rows_synced: int | None
    bytes_synced: int | None


@dataclass(frozen=True)
class StreamState:
    """How far a stream came: its generation, and the greatest cursor value that was committed (as text)."""

    generation: int = 0
    cursor: str | None = None


class Store:
    """All state; safe for several threads."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        file.touch(mode=0o600)  # it holds the sources' passwords
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.executescript(SCHEMA)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def create(self, kind: Kind, body: Body) -> Resource:
        """Keep a new resource under a new id."""
        resource = Resource(str(uuid.uuid4()), kind, int(time.time()), body)
        row = (resource.id, kind, resource.created_at, json.dumps(body))
        self._rows("insert into resources (id, kind, created_at, body) values (?, ?, ?, ?)", *row)
        return resource

    def get(self, kind: Kind, id: str) -> Resource | None:
        """The live resource, or None."""
        rows = self._rows(
            "select id, kind, created_at, body from resources where kind = ? and id = ? and not deleted",
            kind,
            id,
        )
        return _resource(rows[0]) if rows else None

    def all(self, kind: Kind, include_deleted: bool = False) -> list[Resource]:
        """Every resource of *kind*, oldest first."""
        rows = self._rows(
            "select id, kind, created_at, body from resources where kind = ? and deleted <= ? order by rowid",
            kind, include_deleted,
        )  # fmt: skip
        return [_resource(row) for row in rows]

    def replace(self, id: str, body: Body) -> None:
        """Replace a resource's body."""
        self._rows("update resources set body = ? where id = ?", json.dumps(body), id)

    def delete(self, id: str) -> None:
        """Hide a resource; its jobs stay."""
        self._rows("update resources set deleted = 1 where id = ?", id)

    def open_job(self, connection_id: str, type: str) -> Job | None:
        """A new pending job, or None while the connection has one that is not over."""
        moment = time.time()
        with self._lock:
            if any(job.status in OPEN for job in self.jobs(connection_id)):
                return None
            self._rows(
                "insert into jobs (connection_id, type, status, created_at, updated_at)"
                " values (?, ?, 'pending', ?, ?)",
                connection_id, type, moment, moment,
            )  # fmt: skip
            return self.jobs(connection_id)[0]

    def job(self, id: int) -> Job | None:
        """One job, or None."""
        rows = self._rows("select * from jobs where id = ?", id)
        return Job(*rows[0]) if rows else None

    def jobs(self, connection_id: str | None = None) -> list[Job]:
        """The jobs of one connection or all, newest first."""
        where = "where connection_id = ?" if connection_id else ""
        values = (connection_id,) if connection_id else ()
        rows = self._rows(f"select * from jobs {where} order by id desc", *values)  # noqa: S608
        return [Job(*row) for row in rows]

    def move_job(self, id: int, status: str, rows: int | None = None, bytes_: int | None = None) -> bool:
        """Set the state and counts of a job; False when it is over already (somebody cancelled it)."""
        with self._lock:
            cursor = self._db.execute(
                "update jobs set status = ?, updated_at = ?, rows_synced = coalesce(?, rows_synced),"
                " bytes_synced = coalesce(?, bytes_synced)"
                " where id = ? and status in ('pending', 'running', 'incomplete')",
                (status, time.time(), rows, bytes_, id),
            )
            return cursor.rowcount == 1

    def stream(self, connection_id: str, name: str) -> StreamState:
        """The state of a stream; the initial one when it never ran."""
        rows = self._rows(
            "select generation, cursor from streams where connection_id = ? and name = ?", connection_id, name
        )
        return StreamState(*rows[0]) if rows else StreamState()

    def move_stream(self, connection_id: str, name: str, state: StreamState) -> None:
        """Remember how far a stream came."""
        self._rows(
            "insert or replace into streams values (?, ?, ?, ?)",
            connection_id,
            name,
            state.generation,
            state.cursor,
        )


def _resource(row: Any) -> Resource:
    return Resource(row[0], row[1], row[2], json.loads(row[3]))
