"""What is prepared for a MariaDB server: its data directory and the accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud import mysql
from localcloud.mysql import accounts_sql, initialise


def test_one_statement_a_line_and_quotes_are_escaped() -> None:
    sql = accounts_sql("it's \\ a secret")

    assert all(line.endswith(";") for line in sql.splitlines())
    assert sql.count("identified by 'it\\'s \\\\ a secret';") == 2


def test_a_starting_server_leaves_the_temporary_tables_of_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB removes every ``#sql*`` file of its temporary directory as it starts, whoever made it."""
    shared = tmp_path / "shared"
    shared.mkdir()
    of_another = shared / "#sql-temptable-1-1-1.MAI"
    of_another.touch()
    monkeypatch.setenv("TMPDIR", str(shared))

    initialise(tmp_path / "mysql" / "cloud_sql")

    assert of_another.exists()
    assert (tmp_path / "mysql" / "cloud_sql" / "mysql").is_dir()


def test_the_server_itself_has_that_directory_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(mysql, "initialise", lambda datadir: datadir.mkdir(parents=True))
    monkeypatch.setattr(mysql.os, "execv", lambda server, command: started.append(command))
    monkeypatch.setattr("sys.argv", ["mysql", "--name", "production"])
    monkeypatch.setenv("LOCALCLOUD_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALCLOUD_PRODUCTION_PORT", "1")
    monkeypatch.setenv("LOCALCLOUD_PRODUCTION_PASSWORD", "secret")
    monkeypatch.chdir(tmp_path)

    mysql.main()

    (command,) = started
    own = tmp_path / "mysql" / "production.tmp"
    assert f"--tmpdir={own}" in command
    assert own.is_dir()
