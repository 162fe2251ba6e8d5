"""Airflow's Secret Manager backend as a deployment sets it: connections without a key, read anew at each use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.secret_manager import PROJECT, Secrets, grpc_behind_proxy
from tests.support.services import ROOT, LocalCloud

# A process of Airflow that does not end between two tasks.
ASK = """
import sys
from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook
for line in sys.stdin:
    try:
        found = BaseHook.get_connection(line.strip())
        print("found", found.conn_type, found.host, found.password, flush=True)
    except AirflowNotFoundException:
        print("none", flush=True)
"""


class Asker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def connection(self, connection_id: str) -> str:
        self._in.write(f"{connection_id}\n")
        self._in.flush()
        for line in self._out:
            if line.startswith(("found", "none")):
                return line.strip()
        raise AssertionError("the process ended")


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def process(secrets: Secrets, cloud: LocalCloud, tmp_path: Path) -> Iterator[Asker]:
    """With the variables of a deployment in Google's cloud, and those that lead Google's names to this machine."""
    with grpc_behind_proxy(secrets, tmp_path) as way:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT / "plugins"),
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path),
            "AIRFLOW__SECRETS__BACKEND": (
                "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
            ),
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(
                {"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "sep": "-"}
            ),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GCE_METADATA_HOST": f"127.0.0.1:{cloud.ports['metadata']}",
            "GCE_METADATA_IP": f"127.0.0.1:{cloud.ports['metadata']}",
            **way,
        }
        with subprocess.Popen(
            [sys.executable, "-c", ASK], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as popen:
            yield Asker(popen)
            assert popen.stdin
            popen.stdin.close()


def test_a_connection_comes_from_secret_manager_and_a_new_version_is_seen_at_the_next_use(
    process: Asker, secrets: Secrets
):
    mysql = {"conn_type": "mysql", "host": "10.0.0.3", "login": "tributary", "password": "first"}
    secrets.values["airflow-connections-cloud_sql__staging"] = json.dumps(mysql)
    assert process.connection("cloud_sql__staging") == "found mysql 10.0.0.3 first"
    secrets.values["airflow-connections-cloud_sql__staging"] = json.dumps(mysql | {"password": "second"})
    assert process.connection("cloud_sql__staging") == "found mysql 10.0.0.3 second"
    assert process.connection("slack_default") == "none"
    secrets.forbidden.add("airflow-connections-cloud_sql__staging")
    assert process.connection("cloud_sql__staging") == "none"
    assert secrets.asked[0] == f"projects/{PROJECT}/secrets/airflow-connections-cloud_sql__staging/versions/latest"
