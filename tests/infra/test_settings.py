"""What Terraform writes into /etc/tributary/env is what Compose and Tributary read."""

import re

import yaml

from tests.infra.plan import ROOT, blocks, plan


def test_compose_or_tributary_knows_every_setting():
    files = [ROOT / ".env.example", ROOT / "docker-compose.yaml", ROOT / "docs" / "configuration.md"]
    files += [path for path in (ROOT / "deploy").iterdir() if path.suffix in (".py", ".yaml")]
    known = "\n".join(path.read_text() for path in files)
    for name in {**plan().local("env"), **plan().local("worker_env")}:
        assert re.search(rf"\b{name}\b", known), f"{name} is set on the machines, and nobody reads it"


def test_celery_is_used_where_there_are_workers():
    assert plan("full").local("env")["TRIBUTARY_EXECUTOR"] == "CeleryExecutor"
    assert plan("full").local("env")["COMPOSE_PROFILES"] == "workers,datadog"
    assert plan("example").local("env")["TRIBUTARY_EXECUTOR"] == "LocalExecutor"
    assert plan("example").local("env")["COMPOSE_PROFILES"] == ""


def test_a_worker_s_machine_removes_its_old_logs():
    services = plan().local("worker_env")["TRIBUTARY_SERVICES"].split(",")
    assert services == ["worker", "log-expiry"]
    assert set(services) <= set(yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"])


def test_an_apply_replaces_no_worker_whose_tasks_run():
    """Google gives a machine that it replaces about 90 seconds; a task may take half an hour to end."""
    (group,) = plan().of("google_compute_instance_group_manager")
    assert group["update_policy"]["type"] == "OPPORTUNISTIC"


def test_airflow_listens_on_its_machine_alone_unless_somebody_has_to_reach_it():
    assert plan("example").local("env")["TRIBUTARY_LISTEN"] == "127.0.0.1"
    assert plan("full").local("env")["TRIBUTARY_LISTEN"] != "127.0.0.1"


def test_metrics_of_workers_reach_the_one_agent():
    (rule,) = [one for one in plan().of("google_compute_firewall") if one["name"] == "tributary-airflow-from-workers"]
    assert {"protocol": "udp", "ports": ["8125"]} in [
        {name: allowed[name] for name in ("protocol", "ports")} for allowed in blocks(rule["allow"])
    ]
    compose = yaml.safe_load((ROOT / "deploy" / "main-machine.yaml").read_text())
    assert compose["services"]["agent"]["ports"] == ["${TRIBUTARY_LISTEN:-127.0.0.1}:8125:8125/udp"]
    assert plan().local("worker_env")["DD_AGENT_HOST"] != plan().local("env")["DD_AGENT_HOST"] == "agent"


def test_there_is_a_slot_for_every_task_that_airflow_may_start():
    env = plan().local("env")
    assert env["TRIBUTARY_PARALLELISM"] == (1 + 2) * env["TRIBUTARY_WORKER_CONCURRENCY"]
