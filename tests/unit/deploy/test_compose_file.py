"""What the compose file asks for, service by service; tests/compose reads the same from a running engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FILE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_gives_up_what_it_does_not_need(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert {"cpus", "mem_limit", "pids_limit"} <= set(service)
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_can_say_whether_it_is_well_or_ends_by_itself(name: str):
    service = SERVICES[name]
    ours = service["image"].startswith("${TRIBUTARY_IMAGE:-tributary}:")
    if service.get("healthcheck", {}).get("disable"):
        assert service["restart"] == "no" or name == "log-expiry"
    elif ours:
        # The image's own check wants to know who it is in.
        assert service["environment"]["TRIBUTARY_SERVICE"] == name
    else:
        assert "healthcheck" in service or name == "agent"  # whose image brings one


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_for_this_machine_alone_unless_a_person_says_otherwise(name: str):
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${TRIBUTARY_LISTEN:-127.0.0.1}:"))


def test_only_one_network_leads_out():
    assert [name for name, network in FILE["networks"].items() if not network.get("internal")] == ["cloud"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_reads_a_secret_is_given_it(name: str):
    service = SERVICES[name]
    text = str([service.get(part) for part in ("command", "environment", "healthcheck")])
    named = set(re.findall(r"/run/secrets/([\w.]+)", text))
    # Everybody is told where the service's password is; who has no use for it does not have it.
    assert named - {"service_password"} <= set(service.get("secrets", ()))


def test_no_variable_holds_a_secret():
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]
    words = ("PASSWORD", "SECRET", "KEY", "TOKEN", "SQL_ALCHEMY_CONN", "BROKER_URL", "RESULT_BACKEND")
    suspicious = {name for name in names if any(word in name for word in words)}
    assert {name for name in suspicious if not name.endswith(("_CMD", "_FILE"))} == {
        "DD_API_KEY",  # a reference that the agent resolves
        "DD_SECRET_BACKEND_TYPE",
    }
    assert SERVICES["agent"]["environment"]["DD_API_KEY"] == "ENC[datadog_api_key]"


def test_workers_do_not_see_airflows_database():
    for name in ("worker", "watch"):
        assert "database" not in SERVICES[name]["networks"]
        assert "airflow_database_url" not in SERVICES[name]["secrets"]


def test_what_runs_tasks_is_given_the_time_to_end_them():
    patient = {name for name, service in SERVICES.items() if "TRIBUTARY_DRAIN" in str(service.get("stop_grace_period"))}
    assert patient == {"scheduler", "worker"}
