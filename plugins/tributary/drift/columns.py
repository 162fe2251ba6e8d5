"""Whether a staging database still has what its contract describes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tributary import naming
from tributary.errors import SchemaDriftError
from tributary.registry import Database


def require_columns(database: Database, found: Mapping[str, Collection[str]]) -> None:
    """Raise SchemaDriftError unless every column that is copied is there; others may be.

    `found` maps the staging database's tables to their columns. Without this, a column that is gone
    or renamed would arrive as NULLs, which a contract that allows empty values would let pass.
    Names are compared exactly, as the sync does.
    """
    faults = []
    for name, table in database.contract.tables.items():
        there = found.get(name, ())
        # A try that was killed may have left a column's clear values under their other name alone.
        gone = [
            column
            for column in table.selected_columns
            if column not in there and naming.personal_column(column) not in there
        ]
        if gone:
            new = sorted(set(there) - set(table.columns)) or ["no new one"]
            faults.append(f"table {name} lacks {', '.join(gone)} and has {', '.join(new)}")
    if faults:
        raise SchemaDriftError(
            f"expected the columns of include/contracts/{database.app}.yaml in the dump of {database.name}, found "
            f"that {'; '.join(faults)}. If production dropped or renamed them, change the contract (and the models "
            "that use them), then clear sync; else have the dump repaired and clear find_dump"
        )
