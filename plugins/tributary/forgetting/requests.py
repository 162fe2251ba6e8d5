"""Requests on record (`ops.forgotten`): what imports take out, and what publishing waits for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tributary.contracts import Contract
from tributary.errors import OvertakenError, SchemaDriftError, TributaryError
from tributary.ledger.store import OpsStore

REQUESTED, DONE = "requested", "done"


class RequestOpenError(TributaryError):
    """Another person's rows are being taken out."""


@dataclass(frozen=True)
class Request:
    """One key of a subject in one database; `key` as it stands in the tables (`subjects.looked_for`)."""

    app: str
    subject: str
    database: str
    key: str
    by: str
    why: str
    event: str = REQUESTED
    requested_at: datetime | None = None
    records: int = 0

    @property
    def id(self) -> str:
        """The same for the same key, so that a command that is repeated goes on with its request."""
        text = "\n".join((self.app, self.subject, self.database, self.key))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def record(store: OpsStore, request: Request, event: str) -> None:
    """Append where a request stands. From `requested` to `done` nothing is published."""
    row: dict[str, Any] = {
        "request_id": request.id,
        "app": request.app,
        "subject": request.subject,
        "database": request.database,
        "subject_key": request.key,
        "event": event,
        "requested_by": request.by,
        "why": request.why,
    }
    store.append("forgotten", [row])


def on_record(store: OpsStore, database: str | None = None) -> list[Request]:
    """Every request about a database, or about all, the first one first."""
    return [
        Request(
            app=row["app"],
            subject=row["subject"],
            database=row["database"],
            key=row["subject_key"],
            by=row["requested_by"],
            why=row["why"],
            event=row["event"],
            requested_at=row["requested_at"],
            records=row["records"],
        )
        for row in store.query("ops/forgotten_requests", database=database or "")
    ]


def require_subjects(requests: Iterable[Request], contract: Contract) -> None:
    """Raise SchemaDriftError where a request names a subject that the contract has no more."""
    if gone := sorted({request.subject for request in requests} - contract.subjects.keys()):
        raise SchemaDriftError(
            f"requests to forget name the subject {', '.join(gone)}, which include/contracts/{contract.app}.yaml has "
            "no more, so nobody knows which rows of this dump are to be left out. Name it again under `subjects`, "
            "then clear import_dump"
        )


def require_no_other_open(store: OpsStore, requests: Iterable[Request]) -> None:
    """Raise RequestOpenError where rows of others are being taken out: two at a time would undo each other's copies."""
    own = {request.id for request in requests}
    if others := [request for request in on_record(store) if request.event != DONE and request.id not in own]:
        other = others[0]
        raise RequestOpenError(
            f"request {other.id}, about a {other.subject} of {other.database}, is open: expected it to be done before "
            "another one begins. Wait until that command has ended; where it was stopped, repeat it first (`tributary "
            "forget --list`)"
        )


def require_none_open(store: OpsStore) -> int:
    """How many records there are, to be asked again when something is published: then nobody was forgotten meanwhile.

    Raises OvertakenError, which passes, while rows are being taken out, or where that was not gone on with.
    """
    requests = on_record(store)
    for request in requests:
        if request.event != DONE:
            raise OvertakenError(
                f"rows of a {request.subject} of {request.database} are being taken out (request {request.id}). "
                "Nothing was published. The next try does, when that has ended; where the command was stopped, repeat "
                "it: `tributary forget --list` shows which"
            )
    return sum(request.records for request in requests)
