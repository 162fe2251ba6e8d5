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

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

from localcloud.settings import HOST, number, state_dir, text

LOCKED = (
    "create_bucket", "create_file", "create_resumable_upload", "add_to_resumable_upload", "delete_bucket",
    "delete_file", "delete_resumable_file_obj", "get_file", "get_file_list", "get_file_obj", "patch_object",
    "restore_soft_deleted_file", "set_bucket_iam_policy", "wipe",
)  # fmt: skip
"""The emulator's storage methods that touch its shared catalogue."""

CONDITIONAL = ("create_file", "delete_file", "get_file", "get_file_obj")
"""Those that name one object, so that a request's conditions on its generation apply."""


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
            detail = {"message": str(failure), "domain": "global", "reason": "conditionNotMet"}
            body = json.dumps({"error": {"code": 412, "message": str(failure), "errors": [detail]}}).encode()
            self.send_response(412)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client went away in the middle of a transfer

    def log_message(self, format: str, *args: Any) -> None:
        """No line per request."""


class Server(ThreadingHTTPServer):
    """One thread a request; threads do not hold up the end of the process."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    storage = LockedStorage(state_dir("storage"))
    buckets.create_bucket(text("TRIBUTARY_DUMPS_BUCKET"), storage)
    server = Server((HOST, number("LOCALCLOUD_STORAGE_PORT")), functools.partial(Handler, storage))

    def stop(signum: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
