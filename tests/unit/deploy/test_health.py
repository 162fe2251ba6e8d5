"""`deploy/health`: what it says of a service, and that it says no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "deploy" / "health"


def ask(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def health() -> Any:
    loader = SourceFileLoader("health", str(SCRIPT))
    module = module_from_spec(spec_from_loader("health", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


@pytest.fixture
def answers() -> Iterator[tuple[int, dict[str, Any]]]:
    """A server's port, and the answer that it gives."""
    answer: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, answer
        server.shutdown()


def test_a_service_that_nobody_knows_is_not_well():
    done = ask("postgres")
    assert done.returncode == 2
    assert "found the service 'postgres', expected one of api-server, scheduler" in done.stderr
    assert ask().returncode == 2


@pytest.mark.parametrize(("age", "code"), [(100, 0), (300, 1)])
def test_the_watch_is_well_while_its_rounds_end(tmp_path: Path, age: float, code: int):
    memory = tmp_path / "spool" / "watch.json"
    memory.parent.mkdir()
    memory.touch()
    os.utime(memory, (time.time() - age, time.time() - age))
    done = ask(TRIBUTARY_SERVICE="watch", AIRFLOW_HOME=str(tmp_path))
    assert done.returncode == code, done.stderr
    assert ("ended 300 s ago, expected one every 60 s" in done.stderr) == bool(code)


def test_a_watch_that_has_never_looked_is_not_well(tmp_path: Path):
    assert ask("watch", AIRFLOW_HOME=str(tmp_path)).returncode == 1


@pytest.mark.parametrize("database", ["healthy", "unhealthy"])
def test_the_api_server_is_well_with_its_database(
    health: Any, answers: tuple[int, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, database: str
):
    port, answer = answers
    answer["metadatabase"] = {"status": database}
    monkeypatch.setattr(health, "API", f"http://127.0.0.1:{port}/api/v2/monitor/health")
    assert health.main(["api-server"]) == (database != "healthy")


def test_a_command_of_the_configuration_is_run_and_a_plain_value_taken(health: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW__X__Y_CMD", "echo from a file")
    assert health.value_of("AIRFLOW__X__Y") == "from a file"
    monkeypatch.delenv("AIRFLOW__X__Y_CMD")
    monkeypatch.setenv("AIRFLOW__X__Y", "it's plain")
    assert health.value_of("AIRFLOW__X__Y") == "it's plain"
