"""What a server that refuses a change makes of it: no server at hand refuses as MySQL does."""

from __future__ import annotations

from typing import Any

import pytest

from tributary.contracts import Table
from tributary.errors import PersonalDataError
from tributary.privacy.concealing import Concealment
from tributary.privacy.expressions import HashKey

TABLE = Table.model_validate(
    {
        "primary_key": ["id"],
        "columns": {"id": {"type": "int"}, "email": {"type": "varchar(9)", "personal": "hash"}},
    }
)


class Server:
    """A staging table whose columns cannot be renamed."""

    def __init__(self, error: Exception, lost: int = 0) -> None:
        self.error = error
        self.done: list[str] = []

    def get_records(self, query: str, parameters: Any) -> list[tuple[str, str, str]]:
        return [("people", "id", ""), ("people", "email", "")]

    def get_conn(self) -> Any:
        return self

    def cursor(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def execute(self, statement: str) -> None:
        self.done.append(statement)
        if "rename" in statement:
            raise self.error


def conceal(server: Server) -> None:
    Concealment(server, "shop", {"people": TABLE}, HashKey.of(b"key")).conceal()


@pytest.mark.parametrize(
    "error",
    [
        (3108, "Column 'email' has a generated column dependency."),
        (3959, "Check constraint 'c' uses column 'email', hence column cannot be dropped or renamed."),
        (3855, "Column 'email' has a partitioning function dependency and cannot be dropped or renamed."),
        (3837, "Column 'email' has a functional index dependency and cannot be dropped or renamed."),
        (1054, "Unknown column 'email' in 'CHECK'"),
    ],
    ids=lambda error: str(error[0]),
)
def test_a_column_that_something_else_is_defined_by_is_told(error: tuple[int, str]):
    server = Server(Exception(*error))
    with pytest.raises(PersonalDataError) as told:
        conceal(server)
    assert str(told.value).startswith(
        "people.email: expected a column that nothing else is defined by, to be copied as"
    )
    assert f"(error {error[0]})" in str(told.value)
    assert "`personal: drop` in the contract" in str(told.value)
    assert len(server.done) == 2


def test_a_server_that_is_busy_is_asked_again_by_the_next_try():
    busy = Exception(1205, "Lock wait timeout exceeded; try restarting transaction")
    with pytest.raises(Exception, match="Lock wait timeout") as told:
        conceal(Server(busy))
    assert told.value is busy
