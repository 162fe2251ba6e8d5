"""A local Slack and a local bucket, and the clients that the watch uses on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud import storage
from slack_sdk import WebClient

from tests.support.services import ROOT, LocalCloud
from tributary.alerts.slack import Slack
from tributary.alerts.store import IncidentStore


class Workspace:
    """The local Slack as a test sees it: its address, its faults, and what it shows."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.url = f"http://127.0.0.1:{cloud.ports['slack']}"
        self.client = self.client_with(cloud.slack_token)

    def client_with(self, token: str) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", retry_handlers=[], timeout=10)

    def channel(self, name: str) -> str:
        """The id of a new channel."""
        return str(self.client.conversations_create(name=name)["channel"]["id"])

    def fault(self, kind: str, **fields: Any) -> None:
        httpx.post(f"{self.url}/_faults", json={"kind": kind, **fields}).raise_for_status()

    def forget_faults(self) -> None:
        httpx.delete(f"{self.url}/_faults").raise_for_status()

    def messages(self, channel_id: str) -> list[dict[str, Any]]:
        """Those of a channel, the oldest first."""
        return list(self.client.conversations_history(channel=channel_id, limit=500)["messages"])[::-1]

    def replies(self, channel_id: str, ts: str) -> list[dict[str, Any]]:
        return list(self.client.conversations_replies(channel=channel_id, ts=ts)["messages"])[1:]

    def page(self, channel: str) -> str:
        return httpx.get(self.url, params={"channel": channel}).raise_for_status().text


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Storage and Slack; the local cloud has an environment of its own."""
    bqemulator = os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local" / "envs" / "localcloud" / "bin" / "bqemulator")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(Path(bqemulator).with_name("python")))
    with cloud.running("metadata", "storage", "slack"):
        yield cloud


@pytest.fixture(scope="module")
def cloud(services: LocalCloud) -> Iterator[LocalCloud]:
    """The services; this process has a task's environment."""
    slack = {
        "conn_type": "slack",
        "password": services.slack_token,
        "extra": {"base_url": f"http://127.0.0.1:{services.ports['slack']}/api/"},
    }
    with services.as_environment(slack_default=slack):
        yield services


@pytest.fixture
def workspace(cloud: LocalCloud) -> Iterator[Workspace]:
    workspace = Workspace(cloud)
    yield workspace
    workspace.forget_faults()


@pytest.fixture
def slack(cloud: LocalCloud) -> Slack:
    """As the watch makes it: through Airflow's provider and the connection."""
    return Slack.from_connection("https://git.example.com/tributary/blob/main")


@pytest.fixture
def store(cloud: LocalCloud, tmp_path: Path) -> IncidentStore:
    """A real bucket, empty."""
    client = storage.Client()
    for blob in client.list_blobs(cloud.bucket):
        blob.delete()
    return IncidentStore(client, cloud.bucket, tmp_path / "spool")
