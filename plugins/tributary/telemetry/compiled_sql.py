"""The tables and columns that the compiled SQL of a dbt model reads.

OpenLineage's SQL parser follows the columns of one `select`. What it cannot see through is how dbt models
are written: `select *` from an import CTE that has the name of its table, and `select * from final` at the
end. So the common table expressions are taken apart here, each is parsed by itself, and the answers are
put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# dbt writes every table and view so.
_RELATION = re.compile(r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`")
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[()]", re.S)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
_CTE = re.compile(r"\s*(?:with\s+|,\s*)(\w+)\s+as\s*\(", re.I)
# Every column of one table or CTE, perhaps of some rows only.
_STAR = re.compile(r"select\s+\*\s+from\s+(\w+)(?:\s+where\s.*)?", re.I | re.S)

Column = tuple[str, str]


@dataclass(frozen=True)
class Reads:
    """`tables` as `project.dataset.table`; for each column of the result, the (table, column)s it is made from.

    A column that is a constant or a count of rows comes from none. `columns` is empty for SQL that is not
    understood; `tables` always is complete.
    """

    tables: tuple[str, ...]
    columns: dict[str, tuple[Column, ...]]


def reads(sql: str) -> Reads:
    """What the query reads."""
    names: dict[str, str] = {}

    def short(match: re.Match[str]) -> str:
        return names.setdefault(".".join(match.groups()), f"relation_{len(names)}")

    # Under short names, no table can be taken for a CTE.
    plain = _RELATION.sub(short, _COMMENT.sub(" ", sql))
    known: dict[str, _Query] = {name: _Table(table) for table, name in names.items()}
    expressions, result = _split(plain)
    for name, body in expressions:
        known[name] = _query(body, known)
    columns = _query(result, known).columns
    return Reads(tuple(names), {column: tuple(sorted(origins)) for column, origins in columns.items()})


class _Select:
    """A query whose columns are known."""

    def __init__(self, columns: dict[str, frozenset[Column]]) -> None:
        self.columns = columns

    def origins(self, column: str) -> frozenset[Column]:
        return self.columns.get(column, frozenset())


class _Table:
    """A table: every column that is asked for is its own; which there are, nobody says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.columns: dict[str, frozenset[Column]] = {}

    def origins(self, column: str) -> frozenset[Column]:
        return frozenset({(self.name, column)})


_Query = _Table | _Select


def _query(sql: str, known: Mapping[str, _Query]) -> _Query:
    """One `select`, or a union of them, over the tables and CTEs that are known."""
    from openlineage.common.sql import parse

    star = _STAR.fullmatch(sql.strip())
    if star and star[1] in known:
        return known[star[1]]
    parsed = parse(sql, dialect="bigquery")
    columns: dict[str, frozenset[Column]] = {}
    for column in parsed.column_lineage if parsed else ():
        # The parser gives columns without a source the query itself, under whatever name.
        sources = [one for one in column.lineage if one.origin and one.origin.name in known]
        origins = (known[one.origin.name].origins(one.name) for one in sources)
        columns[column.descendant.name] = frozenset().union(*origins)
    return _Select(columns)


def _split(sql: str) -> tuple[list[tuple[str, str]], str]:
    """The common table expressions, by name in their order, and the query that follows them."""
    expressions: list[tuple[str, str]] = []
    at = 0
    while match := _CTE.match(sql, at):
        end = _closing(sql, match.end())
        expressions.append((match[1], sql[match.end() : end]))
        at = end + 1
    return expressions, sql[at:]


def _closing(sql: str, start: int) -> int:
    """Where the parenthesis ends that was opened before `start`; the end of the text where it never does."""
    depth = 1
    for token in _TOKEN.finditer(sql, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.start()
    return len(sql)
