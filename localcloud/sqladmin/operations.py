"""Operations: what a Cloud SQL instance does, one after the other, and its record of it.

An operation goes PENDING -> RUNNING -> DONE. A failed one is DONE too, with ``error.errors``. The record is
kept in SQLite and survives a restart; an operation that was under way when the service died is found DONE
with an error of code INTERNAL, and whatever it had done to the database by then stays done.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from localcloud.faults import Faults
from localcloud.sqladmin.config import LINKS, Config
from localcloud.sqladmin.errors import ApiError

logger = logging.getLogger(__name__)

Operation = dict[str, Any]

IN_PROGRESS = (
    "Operation failed because another operation was already in progress. "
    "Try your request after the current operation is complete."
)


class OperationFailed(Exception):
    """The work of an operation failed; becomes the operation's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def now() -> str:
    """The time in the form in which Google writes it, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Record:
    """All operations in one SQLite file; safe for several threads."""

    def __init__(self, config: Config) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(config.state_file, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute(
            "create table if not exists operations"
            " (number integer primary key, name text unique not null, done integer not null,"
            " body text not null)"
        )

    def put(self, operation: Operation) -> None:
        """Insert or replace by name."""
        row = (operation["name"], operation["status"] == "DONE", json.dumps(operation))
        with self._lock:
            self._db.execute(
                "insert into operations (name, done, body) values (?, ?, ?)"
                " on conflict (name) do update set done = excluded.done, body = excluded.body",
                row,
            )

    def get(self, name: str) -> Operation | None:
        """The operation *name*, or None."""
        with self._lock:
            row = self._db.execute("select body from operations where name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def newest(self, limit: int, offset: int) -> list[Operation]:
        """Newest first, as the original lists them."""
        with self._lock:
            rows = self._db.execute(
                "select body from operations order by number desc limit ? offset ?", (limit, offset)
            ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def unfinished(self) -> list[Operation]:
        """What is PENDING or RUNNING."""
        with self._lock:
            rows = self._db.execute("select body from operations where not done").fetchall()
        return [json.loads(body) for (body,) in rows]


class Operations:
    """Starts operations, one at a time, each in a thread of its own."""

    def __init__(self, config: Config, faults: Faults) -> None:
        self._config = config
        self._faults = faults
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self.record = Record(config)
        for orphan in self.record.unfinished():
            self._finish(orphan, OperationFailed("INTERNAL", "An internal error occurred: the service restarted."))

    def start(self, kind: str, work: Callable[[threading.Event], None], **context: Any) -> Operation:
        """Record a PENDING operation of type *kind*, start *work* and return the operation.

        *work* gets an event that is set when somebody cancels; it raises OperationFailed to fail. *context*
        goes into the operation (``importContext``). Raises ApiError 409 while another operation is not
        DONE.
        """
        config, name = self._config, str(uuid.uuid4())
        operation = {
            "kind": "sql#operation", "name": name, "operationType": kind, "status": "PENDING",
            "insertTime": now(), "user": config.service_account, "targetId": config.instance,
            "targetProject": config.project, "targetLink": config.target_link,
            "selfLink": f"{LINKS}/projects/{config.project}/operations/{name}", **context,
        }  # fmt: skip
        with self._lock:
            if self.record.unfinished():
                raise ApiError(409, IN_PROGRESS, "operationInProgress")
            self._cancelled = threading.Event()
            self.record.put(operation)
        threading.Thread(target=self._run, args=(dict(operation), work, self._cancelled), daemon=True).start()
        return operation

    def cancel(self, name: str) -> None:
        """Ask the running import *name* to stop; it ends DONE with an error. Raises ApiError 400 and 404."""
        operation = self.record.get(name)
        if operation is None:
            raise ApiError(404, "The operation does not exist.", "operationDoesNotExist")
        if operation["status"] == "DONE" or operation["operationType"] != "IMPORT":
            raise ApiError(400, "The operation cannot be cancelled: it is not a running import.")
        self._cancelled.set()

    def _run(self, operation: Operation, work: Callable[[threading.Event], None], cancel: threading.Event) -> None:
        operation |= {"status": "RUNNING", "startTime": now()}
        self.record.put(operation)
        failure: OperationFailed | None = None
        try:
            self._injected(cancel)
            work(cancel)
        except OperationFailed as error:
            failure = error
        except Exception:
            logger.exception("operation %s", operation["name"])
            failure = OperationFailed("INTERNAL", "An internal error occurred; see the service's log.")
        self._finish(operation, failure)

    def _injected(self, cancel: threading.Event) -> None:
        if self._faults.take("hang"):
            cancel.wait()
            raise OperationFailed("CANCELLED", "The operation was cancelled.")
        if delay := self._faults.take("delay"):
            cancel.wait(delay.seconds)
        if fault := self._faults.take("operation_error"):
            raise OperationFailed(fault.code or "ERROR_RDBMS", fault.message)

    def _finish(self, operation: Operation, failure: OperationFailed | None) -> None:
        operation |= {"status": "DONE", "endTime": now()}
        operation.setdefault("startTime", operation["insertTime"])
        if failure is not None:
            detail = {"kind": "sql#operationError", "code": failure.code, "message": str(failure)}
            operation["error"] = {"kind": "sql#operationErrors", "errors": [detail]}
        self.record.put(operation)
