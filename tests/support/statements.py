"""What is sent to BigQuery, and which of it says the same to an analyzer of GoogleSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

# What is quoted, and comments; whichever begins first.
_QUOTED = re.compile(r"""(?s)('''|\"\"\"|['"`])(?:\\.|(?!\1).)*\1|--[^\n]*|#[^\n]*|/\*.*?\*/""")
_DAY = re.compile(r"'\d{4}-\d\d-\d\d'")


@dataclass(frozen=True)
class Statement:
    """What is sent to BigQuery at once, several statements too, with the types of its parameters by their names."""

    sql: str
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_texts(cls, sql: str) -> Statement:
        """One whose parameters are all texts, as `ledger.store.execute` sends them."""
        return cls(sql, tuple((name, "STRING") for name in sorted(set(re.findall(r"@(\w+)", sql)))))


def distinct(statements: Iterable[Statement]) -> list[Statement]:
    """The first of each kind of statements that differ in comments and days alone: a day is as good as another one."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Statement] = {}
    for statement in statements:
        found.setdefault((_without_what_differs(statement.sql), statement.parameters), statement)
    return list(found.values())


def _without_what_differs(sql: str) -> str:
    """A statement without comments, and with one day in place of each that is the whole of a text."""

    def replaced(found: re.Match[str]) -> str:
        if not found[1]:
            return " "
        return "'2000-01-01'" if _DAY.fullmatch(found[0]) and _is_day(found[0][1:-1]) else found[0]

    return _QUOTED.sub(replaced, sql)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
