"""The local agent and BigQuery, and the environment of a task that sends there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.support.services import ROOT, LocalCloud
from tributary.ledger.store import OpsStore


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The agent, and what a test starts more; the local cloud has an environment of its own."""
    bqemulator = os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local" / "envs" / "localcloud" / "bin" / "bqemulator")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(Path(bqemulator).with_name("python")))
    with cloud.running("dogstatsd"):
        yield cloud


@pytest.fixture(scope="session")
def warehouse(services: LocalCloud) -> LocalCloud:
    """The services, with BigQuery."""
    services.start("bigquery")
    return services


class Agent:
    """The local agent, by its HTTP side."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def report(self) -> dict[str, Any]:
        """What it has heard."""
        answer = httpx.get(f"{self.url}/metrics", timeout=5).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def after(self, datagrams: int) -> dict[str, Any]:
        """The same, once so many datagrams have been read: they pass through another process."""
        return self.until(lambda report: report["datagrams"] >= datagrams)

    def until(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The same, once it is as wanted, or what there is after 5 s."""
        end = time.monotonic() + 5
        while not done(report := self.report()) and time.monotonic() < end:
            time.sleep(0.05)
        return report

    def forget(self) -> None:
        """Let it begin anew."""
        httpx.delete(f"{self.url}/metrics", timeout=5).raise_for_status()


@pytest.fixture
def agent(services: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """The agent, without memory; metrics go there."""
    agent = Agent(services.ports["dogstatsd"])
    agent.forget()
    for name in ("DD_ENV", "DD_SERVICE", "DD_VERSION", "DATADOG_TAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DD_AGENT_HOST", "127.0.0.1")
    monkeypatch.setenv("DD_DOGSTATSD_PORT", str(agent.port))
    return agent


@pytest.fixture
def store(warehouse: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> OpsStore:
    """The dataset `ops`."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", warehouse.variables()["BIGQUERY_EMULATOR_HOST"])
    return OpsStore(bigquery.Client(warehouse.project, credentials=AnonymousCredentials()), "US")
