"""What was asked of a service and what it answered, kept for tests that hold both against the published APIs.

Off unless ``LOCALCLOUD_RECORD_DIR`` names a directory. Then each service has a file there that its owner alone can
read, and appends a line of JSON for each `Exchange`. No header is kept but the client's name, no value of a secret
field, and no content of an object: of an upload its metadata, of everything else its size.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.masking import without_secrets

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DIRECTORY = "LOCALCLOUD_RECORD_DIR"
BODY_BYTES = 16 << 20
"""A longer body is not kept, its size is."""
_METADATA_BYTES = 64 << 10
FILE_BYTES = 1 << 30
"""A file ends here, with a line that says so, whatever comes after."""
FULL = b"null\n"

_FAULTS = "/_faults"
# An object's content may be JSON, too.
_CONTENT_SENT = re.compile(r"[?&](upload_id=|uploadType=media\b)")
_CONTENT_ANSWERED = re.compile(r"[?&]alt=media\b")
# Between two lines of the boundary: a head, an empty line, and the body.
_FIRST_PART = re.compile(rb"(?P<boundary>--\S+)\r?\n(?:.+\n)*?\r?\n(?P<body>(?s:.*?))\r?\n(?P=boundary)")


class Body:
    """What is kept of a body that passes by in pieces; *kind* is its content type."""

    def __init__(self, kind: str = "") -> None:
        self.size = 0
        self.kind = kind
        self._pieces: list[bytes] = []
        self._has_parts = kind.startswith("multipart/related")
        is_json = kind.startswith(("application/json", "application/problem+json"))
        self._limit = _METADATA_BYTES if self._has_parts else BODY_BYTES if is_json else 0

    def add(self, piece: bytes) -> None:
        """One more piece."""
        if self.size < self._limit:
            self._pieces.append(piece[: self._limit - self.size])
        self.size += len(piece)

    def json(self) -> str | None:
        """Its text where it is JSON, or that of the first of its parts; None where there is none."""
        text = b"".join(self._pieces)
        if self._has_parts:
            first = _FIRST_PART.match(text)
            text = first["body"] if first else b""
        elif self.size > self._limit:
            return None
        return without_secrets(text).decode(errors="replace") if text else None


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    `target` is path and query as they were sent, still quoted; `type` and `answer_type` are content types. `sent` and
    `answered` are JSON as text, None where there is none. Sizes are in bytes.
    """

    method: str
    target: str
    agent: str
    type: str
    size: int
    sent: str | None
    status: int
    answer_type: str
    answer_size: int
    answered: str | None

    @classmethod
    def of(cls, method: str, target: str, agent: str, sent: Body, status: int, answered: Body) -> Exchange:
        """The exchange, with what is kept of its bodies."""
        return cls(
            method, target, agent, sent.kind, sent.size, None if _CONTENT_SENT.search(target) else sent.json(),
            status, answered.kind, answered.size, None if _CONTENT_ANSWERED.search(target) else answered.json(),
        )  # fmt: skip


class Record:
    """A service's file; safe for several threads."""

    def __init__(self, path: Path, limit: int = FILE_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._left = limit - os.fstat(self._file).st_size
        self._lock = threading.Lock()

    @classmethod
    def of(cls, service: str) -> Record | None:
        """The service's file, or None where nothing is to be kept."""
        directory = os.environ.get(DIRECTORY)
        return cls(Path(directory) / f"{service}.jsonl") if directory else None

    def add(self, exchange: Exchange) -> None:
        """Append it."""
        if exchange.target.startswith(_FAULTS):
            return
        line = json.dumps(vars(exchange)).encode() + b"\n"
        with self._lock:
            if self._left <= 0:
                return
            self._left -= len(line)
            os.write(self._file, line if self._left > 0 else FULL)


def install(app: FastAPI, service: str) -> None:
    """Let *app* keep what it is asked and answers, where the environment says so."""
    if record := Record.of(service):
        app.add_middleware(_Recorded, record=record)


class _Recorded:
    """Passes everything on, and writes an exchange down when its answer has been sent."""

    def __init__(self, app: ASGIApp, record: Record) -> None:
        self.app, self.record = app, record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = scope["headers"]
        sent, answered = Body(_header(headers, b"content-type")), Body()
        status, is_sent, is_cut = 0, False, False

        async def receive_and_keep() -> Message:
            nonlocal is_sent, is_cut
            message = await receive()
            if message["type"] == "http.request":
                sent.add(message.get("body", b""))
                is_sent = not message.get("more_body", False)
            else:
                is_cut = not is_sent
            return message

        async def send_and_keep(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], Body(_header(message["headers"], b"content-type"))
            else:
                answered.add(message.get("body", b""))
            await send(message)

        await self.app(scope, receive_and_keep, send_and_keep)
        # A client that was gone before it had sent its request has asked for nothing.
        if not is_cut:
            query = scope["query_string"]
            target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1")
            self.record.add(
                Exchange.of(scope["method"], target, _header(headers, b"user-agent"), sent, status, answered)
            )


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")
