"""What Terraform writes into /etc/tributary/env is what Compose and Tributary read."""

import re

from tests.infra.plan import ROOT, plan


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


def test_airflow_listens_on_its_machine_alone_unless_somebody_has_to_reach_it():
    assert plan("example").local("env")["TRIBUTARY_LISTEN"] == "127.0.0.1"
    assert plan("full").local("env")["TRIBUTARY_LISTEN"] != "127.0.0.1"
