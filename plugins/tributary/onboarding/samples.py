"""The first rows of a dump's tables, to look at what is in them. They are shown to nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tributary.dumps import DumpReport
from tributary.dumps.definitions import TableDefinition
from tributary.dumps.grammar import NAME
from tributary.dumps.report import SAMPLED_BYTES
from tributary.dumps.words import unquoted

# Rows of a table that are looked at.
ROWS = 200

# The repeated part begins with a sign that the text before it cannot have, so that nothing is tried twice.
_STRING = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|\"[^\"\\]*(?:(?:\\.|\"\")[^\"\\]*)*\""
_INSERT = re.compile(
    rf"\s*(?:insert|replace)\b[a-z_\s]*?(?P<table>{NAME})\s*(?:(?P<columns>\([^()]*\))\s*)?values?\s*(?=\()",
    re.IGNORECASE,
)
_VALUE = re.compile(
    rf"\s*(?:(?:_\w+\s*|n)?(?P<string>{_STRING})|(?P<word>(?:[bx]'[^']*'|[^\s,()'\"]+)))\s*(?P<sign>[,)])",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(r"`((?:[^`]|``)*)`|([\w$]+)")


def first_rows(chunks: Iterable[bytes], report: DumpReport) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    """Table by table, up to ROWS of its rows, as columns and the text of their values, which is None for NULL.

    :param chunks: the dump's text, from its first byte on; no more is taken than is needed.
    """
    places = {name: at for name, at in report.rows_at.items() if name in report.definitions}
    for name, text in _cut(chunks, places):
        yield name, list(_rows(text.decode("utf-8", "replace"), report.definitions[name]))


def _cut(chunks: Iterable[bytes], places: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
    """The text at each place, or its beginning."""
    waiting = sorted((start, min(end, start + SAMPLED_BYTES), name) for name, (start, end) in places.items())
    pending, offset = b"", 0
    for chunk in chunks:
        if not waiting:
            return
        pending += chunk
        while waiting and waiting[0][1] <= offset + len(pending):
            start, end, name = waiting.pop(0)
            yield name, pending[start - offset : end - offset]
        drop = (waiting[0][0] if waiting else offset + len(pending)) - offset
        dropped = max(0, min(drop, len(pending)))
        pending, offset = pending[dropped:], offset + dropped


def _rows(text: str, table: TableDefinition) -> Iterator[dict[str, str | None]]:
    at, count = 0, 0
    while count < ROWS and (insert := _INSERT.match(text, at)):
        is_own = _named(insert["table"])[-1:] == [table.name]
        # Without names, values are of all columns that a plain SELECT gives.
        columns = _named(insert["columns"]) or [column.name for column in table.columns if not column.invisible]
        at = insert.end()
        while count < ROWS and text.startswith("(", at):
            row, at = _row(text, at + 1)
            if row is None:  # cut off by the window, or no row of constants
                return
            if is_own:
                yield dict(zip(columns, row, strict=False))
                count += 1
            at = _after_comma(text, at)
        at = _after_semicolon(text, at)


def _row(text: str, at: int) -> tuple[list[str | None] | None, int]:
    row: list[str | None] = []
    while value := _VALUE.match(text, at):
        at = value.end()
        word = value["word"]
        row.append(unquoted(value["string"]) if word is None else None if word.upper() == "NULL" else word)
        if value["sign"] == ")":
            return row, at
    return None, at


def _after_semicolon(text: str, at: int) -> int:
    end = text.find(";", at)
    return end + 1 if end >= 0 else len(text)


def _after_comma(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _named(columns: str | None) -> list[str]:
    return [(quoted or bare).replace("``", "`") for quoted, bare in _NAMES.findall(columns or "")]
