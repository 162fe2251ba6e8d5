"""An agent's socket, and what arrives there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest


class Datagram(NamedTuple):
    """One metric as it was on the wire."""

    name: str
    value: float
    type: str
    tags: dict[str, str]


class Agent:
    """A UDP socket on a port of its own."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.port = self.socket.getsockname()[1]

    def heard(self) -> list[Datagram]:
        """What has arrived since the last time: on the loopback interface it is there once it was sent."""
        self.socket.setblocking(False)
        found = []
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except BlockingIOError:
                return found
            found.extend(map(_read, text.splitlines()))


def _read(line: str) -> Datagram:
    name, rest = line.split(":", 1)
    value, type_, *fields = rest.split("|")
    tags = next((field[1:] for field in fields if field.startswith("#")), "")
    return Datagram(name, float(value), type_, dict(tag.split(":", 1) for tag in tags.split(",") if tag))


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent that listens, where metrics are sent to."""
    agent = Agent()
    for name in ("DD_ENV", "DD_SERVICE", "DD_VERSION", "DATADOG_TAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DD_AGENT_HOST", "127.0.0.1")
    monkeypatch.setenv("DD_DOGSTATSD_PORT", str(agent.port))
    with agent.socket:
        yield agent
