"""The order in which a version takes another's place, and what is noted for the way back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

import changing
from deployment import Container, Deployment
from settings_file import DeployError, Settings
from tests.conftest import ROOT

OLD = {"AIRFLOW": "a1", "FAB": "f1"}


class Engine:
    """Remembers what Compose is told; every service runs until it is stopped."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.revisions = dict(OLD)
        self.version = "1"
        self.breaks = False

    def start(self, deployment: Deployment) -> None:
        if self.breaks:
            raise DeployError("scheduler is unhealthy")
        self.told.append(f"start {deployment.version}")

    def fetch(self, deployment: Deployment) -> Path:
        self.told.append(f"fetch scripts of {deployment.version}")
        return Path(f"scripts-{deployment.version}")

    def noted(self, deployment: Deployment) -> changing.Noted:
        return changing.Noted(self.version, dict(self.revisions))

    def output(self, deployment: Deployment, *told: str) -> str:
        assert told == ("run", "--rm", "--no-deps", "-T", "migrate", changing.REVISIONS)
        return "a line of something else\n" + "".join(f"{name}={one}\n" for name, one in self.revisions.items())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(
        Deployment, "compose", lambda self, *told: engine.told.append(" ".join([*told, f"({self.version})"]))
    )
    monkeypatch.setattr(Deployment, "output", lambda self, *told: engine.output(self, *told))
    monkeypatch.setattr(Deployment, "start", lambda self: engine.start(self))
    monkeypatch.setattr(Deployment, "running", lambda self, service: [service])
    monkeypatch.setattr(Deployment, "require_image", lambda self: None)
    monkeypatch.setattr(Deployment, "fetch_scripts", lambda self: engine.fetch(self))
    monkeypatch.setattr(Deployment, "put_scripts", lambda self, fetched: engine.told.append(f"put {fetched}"))
    monkeypatch.setattr(changing.Noted, "running", engine.noted)
    return engine


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    file = tmp_path / "env"
    file.write_text("TRIBUTARY_VERSION=1\n")
    monkeypatch.setenv("TRIBUTARY_SETTINGS", str(file))
    return Settings.find()


@pytest.fixture
def rollback() -> Callable[[list[str]], None]:
    loader = SourceFileLoader("rollback", str(ROOT / "deploy" / "rollback"))
    module: Any = importlib.util.module_from_spec(importlib.util.spec_from_loader("rollback", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module.rollback  # type: ignore[no-any-return]


def drained(by: str) -> list[str]:
    parts = ("scheduler", "worker", "watch triggerer dag-processor api-server")
    return [f"stop {part} ({by})" for part in parts]


def changed_to(version: str) -> list[str]:
    return [f"fetch scripts of {version}", *drained(version), f"put scripts-{version}", f"start {version}"]


def test_tasks_end_before_what_they_report_to_goes(engine: Engine, settings: Settings):
    changing.change(settings, "2")
    assert engine.told == changed_to("2")
    assert Settings.find().version == "2"
    assert changing.Noted.read(settings) == changing.Noted("1", OLD, "2")


def test_what_cannot_be_fetched_stops_nothing(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    def full(self: Deployment) -> Path:
        raise DeployError("`docker cp` failed: no space left on device")

    monkeypatch.setattr(Deployment, "fetch_scripts", full)
    with pytest.raises(DeployError, match="no space left"):
        changing.change(settings, "2")
    assert engine.told == []
    assert not settings.previous.exists()


def test_a_version_that_does_not_start_is_not_kept_and_says_the_way_back(engine: Engine, settings: Settings):
    engine.breaks = True
    with pytest.raises(DeployError, match="scheduler is unhealthy\n2 does not start; deploy/rollback goes back to 1"):
        changing.change(settings, "2")
    assert Settings.find().version == "1"
    assert changing.Noted.read(settings).version == "1"


def test_the_way_back_with_the_same_tables_is_a_change_like_any(
    engine: Engine, settings: Settings, rollback: Callable[[list[str]], None]
):
    changing.Noted("0", OLD, "1").write(settings)
    rollback([])
    assert engine.told == changed_to("0")
    assert changing.Noted.read(settings).version == "1"


def test_the_way_back_to_older_tables_needs_a_person(
    engine: Engine, settings: Settings, rollback: Callable[[list[str]], None]
):
    changing.Noted("0", OLD, "1").write(settings)
    engine.revisions["AIRFLOW"] = "a2"
    with pytest.raises(DeployError, match=r"0 had other tables \(AIRFLOW a2 instead of a1\). Make a backup"):
        rollback([])
    assert engine.told == []


def test_the_newer_version_brings_the_tables_back(
    engine: Engine, settings: Settings, rollback: Callable[[list[str]], None]
):
    changing.Noted("0", OLD, "1").write(settings)
    engine.revisions["AIRFLOW"] = "a2"
    rollback(["--downgrade-database"])
    downgrade = "run --rm --no-deps -T migrate airflow db downgrade --to-revision a1 --yes (1)"
    assert engine.told == [*drained("1"), downgrade, *changed_to("0")]
    # The way forward again: the tables are the older ones now, and that is no obstacle.
    assert changing.Noted.read(settings) == changing.Noted("1", OLD, "0")


def test_a_version_that_has_never_started_brings_its_tables_back_itself(
    engine: Engine, settings: Settings, rollback: Callable[[list[str]], None], monkeypatch: pytest.MonkeyPatch
):
    engine.breaks = True
    with pytest.raises(DeployError, match="2 does not start"):
        changing.change(settings, "2")
    engine.breaks, engine.told = False, []
    engine.revisions["AIRFLOW"] = "a2"
    monkeypatch.setattr(changing.Noted, "running", lambda deployment: pytest.fail("nothing runs that could be asked"))
    rollback(["--downgrade-database"])
    assert "run --rm --no-deps -T migrate airflow db downgrade --to-revision a1 --yes (2)" in engine.told
    assert engine.told[-1] == "start 1"
    assert Settings.find().version == "1"


@pytest.mark.parametrize(
    ("before", "ways"),
    [
        (None, "deploy/up starts 1"),
        (changing.Noted("0", OLD, "1"), "deploy/up starts 1, deploy/rollback goes back to 0"),
    ],
)
def test_where_nothing_runs_the_ways_on_are_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, before: changing.Noted | None, ways: str
):
    monkeypatch.setattr(Deployment, "containers", lambda self: [])
    if before:
        before.write(settings)
    with pytest.raises(DeployError, match=f"nothing runs that could be changed; {ways}$"):
        changing.Noted.running(Deployment(settings, "2"))


@pytest.mark.parametrize("is_running", [True, False])
def test_workers_that_were_drained_before_are_upgraded_as_those_that_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, is_running: bool
):
    worker = Container(
        {
            "Config": {"Image": "registry:5000/tributary:1", "Labels": {"com.docker.compose.service": "worker"}},
            "State": {"Running": is_running},
        }
    )
    monkeypatch.setattr(Deployment, "containers", lambda self: [worker])
    machine = Settings(settings.file, {**settings.values, "TRIBUTARY_SERVICES": "worker,log-expiry"})
    assert changing.Noted.running(Deployment(machine, "2")) == changing.Noted("1", {})
    # On the main machine a worker that stands still is no deployment that runs.
    with pytest.raises(DeployError, match="nothing runs that could be changed"):
        changing.Noted.running(Deployment(settings, "2"))


def test_there_is_no_way_back_before_the_first_upgrade(
    engine: Engine, settings: Settings, rollback: Callable[[list[str]], None]
):
    with pytest.raises(DeployError, match="no upgrade has noted a version to go back to"):
        rollback([])
