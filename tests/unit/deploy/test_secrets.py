"""`deploy/secrets`: made once, closed to others, never printed."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import yaml

from tests.conftest import ROOT
from tributary.privacy.key import SHORTEST_KEY


def make(folder: Path, *options: str) -> str:
    command = [sys.executable, str(ROOT / "deploy" / "secrets"), *options, str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_second_call_changes_and_says_nothing(tmp_path: Path):
    make(tmp_path / "secrets", "--local")
    before = contents(tmp_path / "secrets")
    assert make(tmp_path / "secrets", "--local") == ""
    assert contents(tmp_path / "secrets") == before


def test_what_a_person_has_put_there_stays_and_the_rest_goes_with_it(tmp_path: Path):
    (tmp_path / "airflow_database_url").write_text("postgresql+psycopg2://airflow:mine@10.0.0.3/airflow")
    (tmp_path / "redis_password").write_text("chosen by a person\n")
    make(tmp_path)
    assert contents(tmp_path)["airflow_database_url"] == "postgresql+psycopg2://airflow:mine@10.0.0.3/airflow"
    assert contents(tmp_path)["celery_broker_url"] == "redis://:chosen by a person@redis:6379/0"


def test_only_the_owner_may_enter_and_the_containers_account_can_read(tmp_path: Path):
    make(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "secrets").iterdir()} == {0o444}


def test_no_value_is_printed_and_no_two_are_the_same(tmp_path: Path):
    printed = make(tmp_path, "--local")
    found = {name: text for name, text in contents(tmp_path).items() if text}
    values = [text for name, text in found.items() if "url" not in name and name.split("_")[0] != "celery"]
    assert len(set(values)) == len(values) > 10
    assert not [value for value in values if value in printed]


def test_the_fernet_key_has_the_length_that_airflow_wants(tmp_path: Path):
    make(tmp_path)
    assert len(base64.urlsafe_b64decode(contents(tmp_path)["fernet_key"])) == 32


def test_the_local_connections_are_those_that_the_dags_name(tmp_path: Path):
    make(tmp_path, "--local")
    found = contents(tmp_path)
    connections = json.loads(found["connections.json"])
    assert set(connections) == {
        "google_cloud_default", "cloud_sql__staging", "airflow_api", "airbyte_default", "slack_default", "personal_data"
    }  # fmt: skip
    assert len(connections["personal_data"]["password"]) >= SHORTEST_KEY
    assert connections["airflow_api"]["password"] == found["service_password"]
    assert connections["cloud_sql__staging"]["password"] == found["local_cloud_sql_password"]


def test_every_secret_of_the_compose_file_is_made_but_datadogs(tmp_path: Path):
    make(tmp_path, "--local")
    named = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["secrets"]
    assert set(named) - {file.name for file in tmp_path.iterdir()} == {"datadog_api_key"}
