"""The statements that set the server's passwords."""

from __future__ import annotations

from localcloud.mysql import accounts_sql


def test_one_statement_a_line_and_quotes_are_escaped() -> None:
    sql = accounts_sql("it's \\ a secret")

    assert all(line.endswith(";") for line in sql.splitlines())
    assert sql.count("identified by 'it\\'s \\\\ a secret';") == 2
