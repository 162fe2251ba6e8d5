"""SQL lies in files below `include/sql/`; this reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Template

from tributary.registry import INCLUDE

SQL = INCLUDE / "sql"


@cache
def read_sql(name: str) -> str:
    """The text of `include/sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def render_sql(name: str, **identifiers: str) -> str:
    """A file with `$name` identifiers filled in.

    For identifiers alone, which no query parameter can carry; they must come from `naming` or the
    registry, whose patterns leave nothing to escape. Values travel as query parameters.
    """
    for key, value in identifiers.items():
        if "`" in value or ";" in value:
            raise ValueError(f"{name}.sql: {key}: found {value!r}, expected an identifier")
    return Template(read_sql(name)).substitute(identifiers)


def compose_sql(name: str, pieces: Mapping[str, str], identifiers: Mapping[str, str]) -> str:
    """A file with identifiers filled in as by `render_sql`, and with pieces of SQL that code has made of such."""
    return Template(render_sql(name, **identifiers, **{piece: f"${piece}" for piece in pieces})).substitute(pieces)
