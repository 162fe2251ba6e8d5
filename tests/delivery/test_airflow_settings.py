"""The Astro CLI's file names what the documents and `tributary setup` name, and holds no secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tributary.airflow_api import AirflowApi
from tributary.registry import load_registry

SETTINGS = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text())["airflow"]
# The fields of the CLI's file: github.com/astronomer/astro-cli, settings/types.go. It drops others without a word.
FIELDS = {
    "connections": {
        f"conn_{name}" for name in ("id", "type", "host", "schema", "login", "password", "port", "uri", "extra")
    },
    "pools": {"pool_name", "pool_slot", "pool_description"},
    "variables": {"variable_name", "variable_value"},
}
INSTANCES = {database.cloud_sql_instance for database in load_registry().databases.values()}


def documented() -> dict[str, str]:
    """The connections of docs/configuration.md with their types, one for each Cloud SQL instance of the registry."""
    page = (ROOT / "docs" / "configuration.md").read_text().split("## Airflow connections")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w<>]+)` \| ([\w ]+?) \|", page, re.MULTILINE))
    kind = rows.pop("cloud_sql__<instance>")
    return {**rows, **{f"cloud_sql__{instance}": kind for instance in INSTANCES}}


@pytest.mark.parametrize("section", FIELDS)
def test_every_field_is_one_that_the_cli_reads(section: str):
    for one in SETTINGS[section]:
        assert one.keys() <= FIELDS[section]


def test_the_connections_are_the_documented_ones():
    assert {one["conn_id"] for one in SETTINGS["connections"]} == set(documented())


def test_their_types_are_the_documented_ones():
    names = {
        "Google Cloud": "google_cloud_platform", "MySQL": "mysql", "Airbyte": "airbyte", "Slack API": "slack",
        "HTTP": "http", "Generic": "generic",
    }  # fmt: skip
    assert {one["conn_id"]: one["conn_type"] for one in SETTINGS["connections"]} == {
        name: names[kind] for name, kind in documented().items()
    }


def test_the_pools_are_those_that_setup_makes(monkeypatch: pytest.MonkeyPatch):
    made: list[dict[str, Any]] = []

    class Answer:
        status_code = 201

    def send(self: AirflowApi, method: str, path: str, *, json: dict[str, Any], accept: Any) -> Answer:
        made.append(json)
        return Answer()

    monkeypatch.setattr(AirflowApi, "_send", send)
    AirflowApi.__new__(AirflowApi).ensure_pools(load_registry())
    assert SETTINGS["pools"] == [
        {"pool_name": pool["name"], "pool_slot": pool["slots"], "pool_description": pool["description"]}
        for pool in made
    ]


def test_it_holds_no_secret():
    for one in SETTINGS["connections"]:
        assert not {"conn_password", "conn_uri"} & one.keys(), one["conn_id"]
        assert not re.search(r"key|secret|token|password", " ".join(one.get("conn_extra", {})))
    assert SETTINGS["variables"] == []
