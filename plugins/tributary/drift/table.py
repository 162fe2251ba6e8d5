"""The table of docs/drift.md: what becomes of each sort of change in each mode, as the code decides it."""

from __future__ import annotations

from tributary.contracts import Column, Contract, Models, OnChange, Table
from tributary.drift.changes import ChangeKind, SchemaChange
from tributary.drift.decisions import Outcome, decide

_TABLE = "t"
_COLUMNS = {
    "key": Column(type="int"),
    "required": Column(type="varchar(40)"),
    "nullable": Column(type="decimal(10,2)", nullable=True),
}
_Examples = tuple[tuple[str, SchemaChange], ...]


def _of(kind: ChangeKind, column: str = "", found: str = "") -> SchemaChange:
    """A change as `schema_changes` tells it of the table above."""
    known = _COLUMNS.get(column)
    expected = column if kind is ChangeKind.COLUMN_RENAMED else known.type if known else ""
    return SchemaChange(kind, _TABLE, column, expected, found)


EXAMPLES: _Examples = (
    ("new table", SchemaChange(ChangeKind.TABLE_NEW, "another")),
    ("missing table", _of(ChangeKind.TABLE_MISSING)),
    ("added column", _of(ChangeKind.COLUMN_ADDED, "stock", "int")),
    ("added column that looks personal", _of(ChangeKind.COLUMN_ADDED, "phone", "varchar(20)")),
    ("dropped column that may be empty", _of(ChangeKind.COLUMN_DROPPED, "nullable")),
    ("dropped column that is never empty", _of(ChangeKind.COLUMN_DROPPED, "required")),
    ("renamed column that may be empty", _of(ChangeKind.COLUMN_RENAMED, "nullable", "price")),
    ("renamed column that is never empty", _of(ChangeKind.COLUMN_RENAMED, "required", "title")),
    ("other type, the same in BigQuery", _of(ChangeKind.RETYPED, "required", "varchar(80)")),
    ("other type, of a column that may be empty", _of(ChangeKind.RETYPED, "nullable", "varchar(20)")),
    ("other type, of a column that is never empty", _of(ChangeKind.RETYPED, "required", "int")),
    ("other type that is not converted", _of(ChangeKind.RETYPED, "required", "blob")),
    ("other type, of the key", _of(ChangeKind.RETYPED, "key", "varchar(20)")),
    ("may be empty now", _of(ChangeKind.NULLABLE, "required")),
    ("may not be empty any more", _of(ChangeKind.REQUIRED, "nullable")),
    ("other key", _of(ChangeKind.KEY_CHANGED)),
)


def outcome(change: SchemaChange, mode: OnChange | None) -> Outcome:
    """What becomes of an example in a mode."""
    table = Table(primary_key=("key",), columns=_COLUMNS)
    contract = Contract(app="example", models=Models.NONE, on_change=mode, tables={_TABLE: table})
    return decide(contract, change).outcome


def markdown() -> str:
    """The table: a line for each example."""
    modes = (None, *OnChange)
    lines = [
        "| the dump has | " + " | ".join(f"`{mode}`" if mode else "not said" for mode in modes) + " |",
        "|" + " --- |" * (len(modes) + 1),
    ]
    lines += [f"| {words} | {' | '.join(outcome(change, mode) for mode in modes)} |" for words, change in EXAMPLES]
    return "\n".join(lines) + "\n"
