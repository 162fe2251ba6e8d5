"""Secrets that change while everything runs: nobody is restarted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from tests.support.door import JWT_SECRET, PASSWORDS, Door
from tributary.airflow_api import AirflowApi
from tributary.errors import TributaryError

MYSQL = {"conn_type": "mysql", "host": "10.0.0.3", "login": "tributary"}

# A process that goes on from one use of a connection to the next, as a triggerer or the watch does.
USE = """
import sys
from airflow.sdk import BaseHook
for line in sys.stdin:
    print("found", BaseHook.get_connection(line.strip()).password, flush=True)
"""


@pytest.fixture
def connections(airflow: Door) -> Iterator[dict[str, dict[str, object]]]:
    """Those of the server; they are as before afterwards."""
    before = json.loads((airflow.secrets / "connections.json").read_text())
    yield before
    airflow.write_connections(**before)


def test_a_task_that_asks_the_api_server_gets_the_new_password(
    airflow: Door, connections: dict[str, dict[str, object]]
):
    now = datetime.now(UTC)
    claims = {
        "sub": str(uuid4()), "aud": "urn:airflow.apache.org:task", "jti": uuid4().hex, "iat": now, "nbf": now,
        "exp": now + timedelta(minutes=10), "scope": "execution",
    }  # fmt: skip
    task = airflow.client(jwt.encode(claims, JWT_SECRET, algorithm="HS512"))
    for password in ("first", "second"):
        airflow.write_connections(**connections, cloud_sql__staging=MYSQL | {"password": password})
        answer = task.get("/execution/connections/cloud_sql__staging")
        assert (answer.status_code, answer.json()["password"]) == (200, password)


def test_a_process_that_reads_the_backend_itself_gets_the_new_password(
    airflow: Door, connections: dict[str, dict[str, object]]
):
    with subprocess.Popen(
        [sys.executable, "-c", USE], env=airflow.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        for password in ("first", "second"):
            airflow.write_connections(**connections, cloud_sql__staging=MYSQL | {"password": password})
            process.stdin.write("cloud_sql__staging\n")
            process.stdin.flush()
            found = next(line for line in process.stdout if line.startswith("found"))
            assert found == f"found {password}\n"
        process.stdin.close()


def test_the_service_s_password_follows_its_file(airflow: Door, monkeypatch: pytest.MonkeyPatch):
    file = airflow.secrets / "service_password"
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_URL", airflow.url)
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_USER", "tributary")
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_PASSWORD_FILE", str(file))
    watch = AirflowApi.from_environment()
    assert watch.dags() == {"elt__shop_eu"}
    accounts = [sys.executable, "-m", "tributary.cli", "accounts", "--secrets", str(airflow.secrets)]
    try:
        file.write_text("another password of the test\n")
        done = subprocess.run(accounts, env=airflow.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stdout.splitlines() if line.startswith(("account", "role"))]
        assert said == ["account tributary: password changed"], "and nothing else was to do"
        assert watch.dags() == {"elt__shop_eu"}, "a session that was there goes on"
        watch._http.headers["Authorization"] = "Bearer of.yesterday.none"
        assert watch.dags() == {"elt__shop_eu"}, "and signs in with the new password when it has run out"
        assert (
            airflow.client()
            .post("/auth/token", json={"username": "tributary", "password": PASSWORDS["tributary"]})
            .status_code
            == 401
        )
    finally:
        file.write_text(PASSWORDS["tributary"] + "\n")
        admin = airflow.client(airflow.token("admin"))
        admin.patch("/auth/fab/v1/users/tributary", json={"password": PASSWORDS["tributary"]}).raise_for_status()


def test_the_housekeeping_s_connection_needs_no_password_of_its_own(airflow: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps({"conn_type": "http", "host": airflow.url}))
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_USER", "tributary")
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_PASSWORD_FILE", str(airflow.secrets / "service_password"))
    assert AirflowApi.from_connection("airflow_api").dags() == {"elt__shop_eu"}
    monkeypatch.setenv("TRIBUTARY_AIRFLOW_PASSWORD_FILE", str(airflow.home / "nowhere"))
    with pytest.raises(TributaryError, match="the password of Airflow's account tributary cannot be read"):
        AirflowApi.from_connection("airflow_api").dags()


def test_a_password_that_is_missing_or_short_changes_nothing(airflow: Door, monkeypatch: pytest.MonkeyPatch):
    from tributary.access.accounts import ensure

    said: list[str] = []
    other = airflow.home / "others"
    other.mkdir()
    (other / "admin_password").write_text("long enough to be a password")
    with pytest.raises(TributaryError, match=r"service_password.*deploy/secrets makes"):
        ensure(other, said.append)
    (other / "service_password").write_text("short")
    with pytest.raises(TributaryError, match="found 5 characters, expected a password of at least 16"):
        ensure(other, said.append)
    assert said == []
