"""What is prepared for a MariaDB server: its data directory and the accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

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
