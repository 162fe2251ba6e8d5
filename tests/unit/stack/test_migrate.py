"""Airflow's tables are made or changed only where its packages are others than the last time."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import __main__ as command
from stack import postgres


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that were run; the database's folder and the packages are the test's own."""
    commands: list[list[str]] = []
    (tmp_path / "data").mkdir()
    (tmp_path / "requirements.txt").write_text("apache-airflow==3.3.2\n")
    monkeypatch.setattr(postgres, "DATA", tmp_path / "data")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "_checked", lambda words, variables, name: commands.append(words[1:]))
    return commands


def test_tables_are_made_once(asked: list[list[str]]):
    for _ in range(3):
        command._migrate({})
    assert asked == [["db", "migrate"]]


def test_other_packages_and_another_database_migrate(asked: list[list[str]], tmp_path: Path):
    command._migrate({})
    (tmp_path / "requirements.txt").write_text("apache-airflow==3.4.0\n")
    command._migrate({})
    (postgres.DATA / "migrated_by").unlink()  # as where somebody removes the folder
    command._migrate({})
    assert len(asked) == 3


def test_what_failed_is_tried_again(asked: list[list[str]], monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise command.StackError("airflow-db-migrate failed")

    with monkeypatch.context() as failing:
        failing.setattr(command, "_checked", fail)
        with pytest.raises(command.StackError):
            command._migrate({})
    command._migrate({})
    assert asked == [["db", "migrate"]]
