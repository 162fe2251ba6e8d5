"""What every container may and may not do, read from the running engine and from the kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployment import Container
from tests.compose.engine import docker, megabytes
from tests.compose.stack import WORKERS, ComposeStack

# The first of these waits for the images and the start.
pytestmark = pytest.mark.timeout(2 * 3600)

AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "watch", "log-expiry"}
LOCAL = {"metadata", "storage", "bigquery", "cloud-sql", "production", "sqladmin", "airbyte", "dogstatsd", "slack"}
# What can fetch or compile a program.
TOOLS = ("gcc", "cc", "make", "git", "curl", "wget", "uv", "pip", "pip3", "pkg-config", "mariadb-config")


def status(container: Container) -> dict[str, str]:
    """What the kernel says of a container's main process."""
    lines = Path(f"/proc/{container.details['State']['Pid']}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def faults(container: Container) -> list[str]:
    """What a container may do that it must not."""
    config: dict[str, Any] = container.details["HostConfig"]
    process = status(container)
    ports = [one["HostIp"] for bound in (config["PortBindings"] or {}).values() for one in bound]
    checks = {
        "runs as root": "0" not in process["Uid"].split() and "0" not in process["Gid"].split(),
        "may write to its root file system": config["ReadonlyRootfs"],
        "has capabilities": int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 0 and not config["CapAdd"],
        "may gain privileges": process["NoNewPrivs"] == "1",
        "is privileged": not config["Privileged"] and config["PidMode"] != "host" and config["NetworkMode"] != "host",
        "sees Docker's socket": not any("docker.sock" in one["Source"] for one in container.details["Mounts"]),
        "has no filter of system calls": process["Seccomp"] == "2",
        "has no limit of memory": config["Memory"] > 0,
        "has no limit of CPU": config["NanoCpus"] > 0,
        "has no limit of processes": (config["PidsLimit"] or 0) > 0,
        "keeps logs without end": bool(config["LogConfig"]["Config"].get("max-size")),
        f"listens on {ports}": set(ports) <= {"127.0.0.1"},
    }
    return [f"{container.name} {what}" for what, holds in checks.items() if not holds]


@pytest.mark.case("C1", "every container, as the engine runs it", expected="nothing allowed that is not needed")
def test_no_container_may_do_what_it_need_not(stack: ComposeStack, seen: Callable[[object], None]):
    running = [one for one in stack.deployment.containers() if one.details["State"]["Running"]]
    services = [one.service for one in running]
    assert set(services) == AIRFLOW | LOCAL | {"postgres", "redis", "worker"}
    assert services.count("worker") == WORKERS
    assert [fault for one in running for fault in faults(one)] == []
    seen(f"{len(running)} containers: not root, read-only, no capability, no new privileges, limits, loopback ports")


def test_only_clients_of_the_database_are_in_its_network(stack: ComposeStack):
    members = {
        network: {one.service for one in stack.deployment.containers() if network in networks(one)}
        for network in ("database", "broker", "airflow")
    }
    assert members["database"] == {"postgres", "migrate", "api-server", "scheduler", "dag-processor", "triggerer"}
    assert members["broker"] == {"redis", "scheduler", "worker"}
    assert members["airflow"] == AIRFLOW - {"log-expiry"} | {"worker"}


def networks(container: Container) -> set[str]:
    return {name.rpartition("_")[2] for name in container.details["NetworkSettings"]["Networks"]}


def test_no_secret_is_in_the_environment_the_arguments_or_the_image(stack: ComposeStack):
    values = {file.name: file.read_text() for file in (stack.checkout.folder / "secrets").iterdir()}
    del values["connections.json"]
    text = json.dumps([one.details for one in stack.deployment.containers()])
    for image in ("tributary-test:1", "tributary-test-localcloud:1"):
        text += docker("image", "inspect", image) + docker("history", "--no-trunc", image)
    for container in stack.deployment.containers():
        if container.details["State"]["Running"]:
            text += docker("top", container.id, "-eo", "pid,args")
    assert [name for name, value in values.items() if value and value in text] == []


def test_each_service_has_the_secrets_that_it_needs_alone(stack: ComposeStack):
    found = {
        one.service: {
            Path(mount["Destination"]).name for mount in one.details["Mounts"] if "/run/secrets" in mount["Destination"]
        }
        for one in stack.deployment.containers()
    }
    assert "airflow_database_url" not in found["worker"] | found["watch"]
    assert "admin_password" not in set().union(*(names for service, names in found.items() if service != "migrate"))
    assert "fernet_key" not in found["worker"] | found["watch"]
    assert found["log-expiry"] == set()


@pytest.mark.case("C2", "the image", expected="no tool that builds or fetches; labels; its size")
def test_the_image_has_what_it_runs_and_no_tools(stack: ComposeStack, seen: Callable[[object], None]):
    look = "; ".join(f"command -v {tool} || true" for tool in TOOLS)
    assert docker("run", "--rm", "--network", "none", "tributary-test:1", "bash", "-c", look) == ""
    config = json.loads(docker("image", "inspect", "tributary-test:1"))[0]["Config"]
    assert config["User"] == "50000:50000"
    assert config["Labels"]["org.opencontainers.image.version"] == "1"
    assert config["Healthcheck"]["Test"] == ["CMD", "/opt/tributary/deploy/health"]
    seen(f"{megabytes('tributary-test:1')} MB, with the local cloud {megabytes('tributary-test-localcloud:1')} MB")


def test_the_manifest_and_dbts_pages_are_built_in(stack: ComposeStack):
    listed = docker("run", "--rm", "--network", "none", "tributary-test:1", "ls", "include/dbt/target")
    assert {"manifest.json", "static_index.html"} <= set(listed.split())


def test_the_image_trusts_debians_certificates_alone(stack: ComposeStack):
    count = "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt; ls /usr/share/ca-certificates/mozilla | wc -l"
    trusted, debians = docker("run", "--rm", "--network", "none", "tributary-test:1", "bash", "-c", count).split()
    assert trusted == debians, "the builder's certificates are in the image"
