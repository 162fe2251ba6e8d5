"""SQL lies in files below `include/sql/`; this reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from string import Template

from tributary.contracts import DATABASE_NAME
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


def names_sql(names: Iterable[str]) -> str:
    """The names of databases as an array; they come from the registry, whose pattern leaves nothing to escape."""
    listed = list(names)
    for name in listed:
        if not re.match(DATABASE_NAME, name):
            raise ValueError(f"found {name!r}, expected the name of a database")
    return "[" + ", ".join(f"'{name}'" for name in listed) + "]"


def compose_sql(name: str, pieces: Mapping[str, str], identifiers: Mapping[str, str]) -> str:
    """A file with identifiers filled in as by `render_sql`, and with pieces of SQL that code has made of such."""
    return Template(render_sql(name, **identifiers, **{piece: f"${piece}" for piece in pieces})).substitute(pieces)
