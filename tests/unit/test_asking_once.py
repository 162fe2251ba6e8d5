"""What a trigger polls asks its service once: the poll loop is the retry, and a library's own would hold a thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
from google.auth.credentials import AnonymousCredentials

from tributary.failures import Kind, classify
from tributary.hooks import airbyte, clients, cloud_sql
from tributary.hooks.patience import without_patience
from tributary.ledger import store
from tributary.operators import find_dump
from tributary.operators.find_dump import find
from tributary.operators.import_dump import finished_operation
from tributary.operators.sync import finished_job

LATER = 1e12


class Away(BaseHTTPRequestHandler):
    """Answers 503 to everything; with `silent`, nothing."""

    silent: threading.Event | None = None
    asked: list[str]

    def answer(self) -> None:
        self.asked.append(self.path)
        if self.silent:
            self.silent.wait()
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(params=[False, True], ids=["503", "silent"])
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The requests that a service has got which all connections lead to, and which is away."""
    silent = threading.Event() if request.param else None
    handler = type("Handler", (Away,), {"silent": silent, "asked": []})
    for module in (airbyte, store, cloud_sql, find_dump):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 2.0 if silent else 60.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        google = {"conn_type": "google_cloud_platform", "extra": {"project": "p", "sqladmin_api_endpoint": url}}
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(google))
        monkeypatch.setenv("AIRFLOW_CONN_AIRBYTE_DEFAULT", json.dumps({"conn_type": "airbyte", "host": url}))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        monkeypatch.setenv("TRIBUTARY_DUMPS_BUCKET", "dumps")
        credentials = (AnonymousCredentials(), "p")
        monkeypatch.setattr(GoogleBaseHook, "get_credentials_and_project_id", lambda hook: credentials)
        yield handler.asked  # type: ignore[attr-defined]
        if silent:
            silent.set()
        server.shutdown()


POLLED: dict[str, Callable[[], Any]] = {
    "storage": lambda: find(bucket="dumps", database="shop", day="2013-01-01", pattern="{database}/{date}/*"),
    "cloud_sql": lambda: finished_operation(name="o", deadline=LATER),
    "airbyte": lambda: finished_job(job_id=1, connection="airbyte_default", deadline=LATER),
    "bigquery": lambda: clients.ops_store().query("ops/landed", day="2013-01-01"),
}


@pytest.mark.parametrize("service", POLLED)
def test_a_service_that_is_away_is_asked_nothing_twice(asked: list[str], service: str):
    with without_patience(), pytest.raises(Exception) as error:
        POLLED[service]()
    # Google's library for Storage also asks for the bucket, on its own account.
    assert len(asked) == len(set(asked)) > 0, asked
    assert classify(error.value).kind is Kind.passing, repr(error.value)


@pytest.mark.parametrize(("extra", "seconds"), [({}, airbyte.REQUEST_SECONDS), ({"timeout": 90}, 90)])
def test_a_task_gives_airbyte_the_time_that_its_connection_says(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], seconds: float
):
    connection = {"conn_type": "airbyte", "host": "http://127.0.0.1:1", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AIRBYTE_DEFAULT", json.dumps(connection))
    api = airbyte.AirbyteHook().airbyte_api
    assert api.sdk_configuration.client.timeout.read == seconds
