"""SQL lies in files below `include/sql/`; this reads them."""

from __future__ import annotations

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
