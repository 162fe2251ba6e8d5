"""Comparing one stage's tables with another's. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tributary.errors import StageMismatchError
from tributary.ledger.checksums import Content, comparable


def check_same_rows(
    expected: Mapping[str, int], found: Mapping[str, int], *, expected_in: str, found_in: str, advice: str
) -> None:
    """Raise StageMismatchError unless each table has the same rows in both stages.

    `expected` and `found` are rows by table; a table that one of them lacks is a difference. The
    message names every table that differs, with both figures.
    """
    differences = [
        f"{table}: {_rows(expected, table)} in {expected_in}, {_rows(found, table)} in {found_in}"
        for table in sorted({*expected, *found})
        if expected.get(table) != found.get(table)
    ]
    if differences:
        raise StageMismatchError(f"{'; '.join(differences)}. {advice}")


def check_same_content(
    expected: Mapping[str, Content], found: Mapping[str, Content], *, expected_in: str, found_in: str, advice: str
) -> tuple[str, ...]:
    """Raise StageMismatchError unless each table has the same rows, with the same content, in both stages.

    Returns the tables that have no comparable checksums in both: those are compared by their rows alone.
    """
    check_same_rows(
        {table: content.rows for table, content in expected.items()},
        {table: content.rows for table, content in found.items()},
        expected_in=expected_in,
        found_in=found_in,
        advice=advice,
    )
    pairs = {table: (content.checksum, found[table].checksum) for table, content in sorted(expected.items())}
    differences = [
        f"{table}: the same {expected[table].rows:,} rows, but other content: "
        f"checksum {before} in {expected_in}, {after} in {found_in}"
        for table, (before, after) in pairs.items()
        if comparable(before, after) and before != after
    ]
    if differences:
        raise StageMismatchError(f"{'; '.join(differences)}. {advice}")
    return tuple(table for table, checksums in pairs.items() if not comparable(*checksums))


def _rows(counts: Mapping[str, int], table: str) -> str:
    return f"{counts[table]:,} rows" if table in counts else "no such table"
