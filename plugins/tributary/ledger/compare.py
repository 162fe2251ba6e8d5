"""Comparing one stage's rows with another's. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tributary.errors import StageMismatchError


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


def _rows(counts: Mapping[str, int], table: str) -> str:
    return f"{counts[table]:,} rows" if table in counts else "no such table"
