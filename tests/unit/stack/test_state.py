"""Ports and secrets of a checkout's stack."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import environment, state


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(state, "LOCAL", tmp_path)
    monkeypatch.setattr(state, "STATE_FILE", tmp_path / "stack.json")
    monkeypatch.delenv("AIRFLOW_PORT", raising=False)
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def completed() -> state.State:
    fresh = state.State()
    fresh.complete()
    return fresh


def test_every_service_has_a_port_of_its_own():
    ports = completed().ports
    assert set(ports) == set(state.PORT_NAMES)
    assert len(set(ports.values())) == len(ports)


def test_a_port_that_was_taken_meanwhile_is_moved_and_told(taken: int):
    first = completed()
    first.ports["airbyte"] = taken
    moved = first.complete()
    assert first.ports["airbyte"] != taken
    assert any(str(taken) in line and "airbyte" in line for line in moved)


def test_a_port_that_a_person_asks_for_is_never_moved(taken: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_PORT", str(taken))
    with pytest.raises(state.PortTakenError, match=f"port {taken}.*AIRFLOW_PORT"):
        completed()


def test_what_is_remembered_is_readable_by_its_owner_alone(local: Path):
    first = completed()
    first.save()
    assert stat.S_IMODE((local / "stack.json").stat().st_mode) == 0o600
    again = state.State.load()
    assert again == first


def test_secrets_are_generated_once_and_differ():
    first = completed()
    secrets = dict(first.secrets)
    first.complete()
    assert first.secrets == secrets
    assert len(set(secrets.values())) == len(secrets)


def test_the_environment_file_is_private_and_a_shell_can_read_it(local: Path):
    path = local / "env"
    environment.write({"A": "it's $HOME"}, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "A='it'\"'\"'s $HOME'\n"
