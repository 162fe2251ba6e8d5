"""One API server behind a deployment's login for all tests of this folder, and a dead letter in a bucket."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage

from tests.support.door import Door, door
from tests.support.services import ROOT, LocalCloud
from tributary.dead_letters.bucket import LetterBucket


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The bucket of the dead letters, and credentials."""
    # The local cloud has an environment of its own.
    bqemulator = os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local" / "envs" / "localcloud" / "bin" / "bqemulator")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(Path(bqemulator).with_name("python")))
    with cloud.running("metadata", "storage"):
        yield cloud


class _Refusing(BaseHTTPRequestHandler):
    """BigQuery, where the server's account has no rights: the pages bear it, and no test has to wait."""

    def do_GET(self) -> None:
        text = json.dumps({"error": {"code": 403, "message": "no", "errors": [{"reason": "accessDenied"}]}}).encode()
        # A body that is left unread would end the connection before the answer is read.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def bigquery() -> Iterator[str]:
    """The address of a BigQuery that refuses everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, cloud: LocalCloud, bigquery: str) -> Iterator[Door]:
    """The server, with the accounts `admin`, `tributary`, `operator` and `viewer`."""
    variables = {name: value for name, value in cloud.variables().items() if not name.startswith("LOCALCLOUD_")}
    variables["BIGQUERY_EMULATOR_HOST"] = bigquery
    with door(tmp_path_factory.mktemp("door") / "airflow", variables) as running:
        yield running


@pytest.fixture
def letters(cloud: LocalCloud) -> Iterator[LetterBucket]:
    """The records of failed steps."""
    with cloud.as_environment():
        yield LetterBucket(storage.Client(), cloud.bucket, seconds=20)
