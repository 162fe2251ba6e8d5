"""Cloud Storage's JSON API: ``python -m localcloud.storage`` starts gcp-storage-emulator.

The wrapper adds what the emulator lacks and the pipeline depends on:

- several requests at a time (the emulator's own server answers one after the other, so one slow reader of a
  large object would stop everybody);
- reads of one generation and the preconditions ``ifGenerationMatch`` and ``ifGenerationNotMatch``, answered
  with 404 and 412 as the original does (the emulator ignores all three);
- objects and their catalogue are replaced by rename, so that a kill leaves the old file or the new one.

An object passes through memory whole, so this is for dumps up to some hundred MB. Deleted objects are gone
(soft delete is off).

Environment: ``LOCALCLOUD_STORAGE_PORT``, ``LOCALCLOUD_STATE_DIR`` (objects are kept in ``storage`` below
it) and ``TRIBUTARY_DUMPS_BUCKET``, the bucket that is created at start.
"""

from __future__ import annotations

import functools
import json
import signal
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, urlparse

from gcp_storage_emulator import server as emulator
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler, Response
from gcp_storage_emulator.storage import Storage

from localcloud.recording import Body, Exchange, Record
from localcloud.settings import HOST, number, state_dir, text

LOCKED = (
    "create_bucket", "create_file", "create_resumable_upload", "add_to_resumable_upload", "delete_bucket",
    "delete_file", "delete_resumable_file_obj", "get_file", "get_file_list", "get_file_obj", "patch_object",
    "restore_soft_deleted_file", "set_bucket_iam_policy", "wipe",
)  # fmt: skip
"""The emulator's storage methods that touch its shared catalogue."""

CONDITIONAL = ("create_file", "delete_file", "get_file", "get_file_obj")
"""Those that name one object, so that a request's conditions on its generation apply."""


REASONS = {400: "invalid", 404: "notFound", 409: "conflict", 501: "notImplemented"}
"""What Google calls the emulator's errors, by their status."""


class PreconditionFailed(Exception):
    """The object's live generation is not what the request requires: HTTP 412."""


class LockedStorage(Storage):  # type: ignore[misc]
    """The emulator's storage, made safe for several threads and for a kill at any moment."""

    def __init__(self, data_dir: Path) -> None:
        self._lock = threading.RLock()
        self.request = threading.local()
        super().__init__(data_dir=str(data_dir))
        for name in LOCKED:
            setattr(self, name, self._guarded(getattr(self, name), conditional=name in CONDITIONAL))
        self._store.write_bytes = self._write_by_rename

    def _guarded(self, method: Any, *, conditional: bool) -> Any:
        @functools.wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                if conditional:
                    self._check_conditions(args[0], args[1])
                return method(*args, **kwargs)

        return guarded

    def _check_conditions(self, bucket: str, name: str) -> None:
        query: dict[str, list[str]] = getattr(self.request, "query", {})
        live = str(self.objects.get(bucket, {}).get(name, {}).get("generation", "0"))
        if live not in query.get("generation", [live]):
            raise NotFound
        if live not in query.get("ifGenerationMatch", [live]) or live in query.get("ifGenerationNotMatch", []):
            raise PreconditionFailed(f"the object's live generation is {live}")

    def _bucket_soft_delete_retention_seconds(self, bucket_name: str) -> int:
        return 0

    def _write_by_rename(self, relative: str, content: bytes) -> None:
        path: Path = self._store._disk_path(relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"_partial-{threading.get_ident()}")
        partial.write_bytes(content)
        partial.replace(path)


def envelope(status: int, message: str, reason: str) -> dict[str, Any]:
    """Google's form of an error."""
    detail = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": status, "message": message, "errors": [detail]}}


class Answer(Response):  # type: ignore[misc]
    """The emulator's answer, whose errors say what they are where they said nothing."""

    def close(self) -> None:
        if self.status >= 400 and not self._content:
            self.json(envelope(self.status.value, self.status.phrase, REASONS.get(self.status.value, "backendError")))
        super().close()


class Handler(RequestHandler):  # type: ignore[misc]
    """The emulator's request handler, with a request's conditions handed to the storage."""

    storage: LockedStorage

    def do_GET(self) -> None:
        self._conditionally(super().do_GET)

    def do_POST(self) -> None:
        self._conditionally(super().do_POST)

    def do_PUT(self) -> None:
        self._conditionally(super().do_PUT)

    def do_PATCH(self) -> None:
        self._conditionally(super().do_PATCH)

    def do_DELETE(self) -> None:
        self._conditionally(super().do_DELETE)

    def _conditionally(self, handle: Any) -> None:
        self.storage.request.query = parse_qs(urlparse(self.path).query)
        try:
            handle()
        except PreconditionFailed as failure:
            body = json.dumps(envelope(412, str(failure), "conditionNotMet")).encode()
            self.send_response(412)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client went away in the middle of a transfer

    def log_message(self, format: str, *args: Any) -> None:
        """No line per request."""


class RecordedHandler(Handler):
    """The same, and each exchange is written down."""

    def __init__(self, record: Record, *args: Any) -> None:
        self.record = record
        super().__init__(*args)

    def _conditionally(self, handle: Any) -> None:
        sent, self.answered, self.status = Body(self.headers.get("Content-Type", "")), Body(), 0
        self.rfile = _Kept(self.rfile, sent)
        super()._conditionally(handle)
        agent = self.headers.get("User-Agent", "")
        self.record.add(Exchange.of(self.command, self.path, agent, sent, self.status, self.answered))

    def send_response(self, code: int, message: str | None = None) -> None:
        self.status = code
        super().send_response(code, message)

    def send_header(self, keyword: str, value: str) -> None:
        if keyword.lower() == "content-type":
            self.answered = Body(value)
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        super().end_headers()
        # What is written from now on is the body.
        self.wfile = _Kept(self.wfile, self.answered)


class _Kept:
    """A file of a connection, and what of a body passes through it."""

    def __init__(self, file: Any, body: Body) -> None:
        self._file, self._body = file, body

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        self._body.add(data)
        return data

    def write(self, data: bytes) -> int:
        self._body.add(data)
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Server(ThreadingHTTPServer):
    """One thread a request; threads do not hold up the end of the process."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    emulator.Response = Answer
    storage = LockedStorage(state_dir("storage"))
    buckets.create_bucket(text("TRIBUTARY_DUMPS_BUCKET"), storage)
    record = Record.of("storage")
    handler = functools.partial(RecordedHandler, record, storage) if record else functools.partial(Handler, storage)
    server = Server((HOST, number("LOCALCLOUD_STORAGE_PORT")), handler)

    def stop(signum: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
