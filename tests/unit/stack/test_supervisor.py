"""The programs of a checkout's stack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stack import __main__ as commands
from stack import supervisor
from stack.state import PORT_NAMES, SECRET_NAMES, State


def test_the_watch_runs_beside_airflow_and_stops_before_it():
    _, watch = supervisor.later_programs()
    assert watch.command[1:] == ("-m", "tributary.cli", "watch")
    assert watch.priority > max(program.priority for program in supervisor.airflow_programs())


def test_every_program_is_in_the_configuration():
    state = State(ports=dict.fromkeys(PORT_NAMES, 1), secrets=dict.fromkeys(SECRET_NAMES, "x"))
    text = supervisor.configuration(state)
    groups = (
        supervisor.database_programs(),
        supervisor.localcloud_programs(),
        supervisor.airflow_programs(),
        supervisor.later_programs(),
    )
    for group in groups:
        for program in group:
            assert f"[program:{program.name}]" in text


def test_what_no_first_task_needs_starts_once_airflow_is_ready(monkeypatch: pytest.MonkeyPatch):
    done: list[tuple[str, str]] = []
    recorder = SimpleNamespace(
        wait=lambda programs, **_: done.extend(("ready", program.name) for program in programs),
        start=lambda programs: done.extend(("start", program.name) for program in programs),
    )
    commands._ready(recorder)  # type: ignore[arg-type]
    later = [("start", program.name) for program in supervisor.later_programs()]
    assert [name for _, name in later] == ["triggerer", "watch"]
    assert done[-len(later) :] == later
    assert {("ready", "api-server"), ("ready", "scheduler"), ("ready", "bigquery")} <= set(done[: -len(later)])
