"""What differs between a contract and the definitions in a dump. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from tributary.contracts import Contract, Table
from tributary.dumps.definitions import TableDefinition, normal_type


class ChangeKind(StrEnum):
    """What has become of a table or a column."""

    TABLE_NEW = "new table"
    TABLE_MISSING = "missing table"
    COLUMN_ADDED = "added column"
    COLUMN_DROPPED = "dropped column"
    COLUMN_RENAMED = "renamed column"
    RETYPED = "other type"
    NULLABLE = "may be empty now"
    REQUIRED = "may not be empty any more"
    KEY_CHANGED = "other key"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference. `expected` is what the contract says, `found` what the dump does; empty where it says nothing."""

    kind: ChangeKind
    table: str
    column: str = ""
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        """Such as `orders.total: other type: decimal(10,2), found decimal(12,2)`."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        said = [self.expected, f"found {self.found}" if self.found else ""]
        return ": ".join(filter(None, (where, str(self.kind), ", ".join(filter(None, said)))))


def schema_changes(contract: Contract, definitions: Mapping[str, TableDefinition]) -> list[SchemaChange]:
    """Every difference, the contract's tables first, in its order.

    A column that went while another one of its type came to its place is taken for a renamed one.
    Names are compared exactly, types in the one form of `column_types`.
    """
    changes: list[SchemaChange] = []
    for name, table in contract.tables.items():
        if name in definitions:
            changes += _of_table(name, table, definitions[name])
        else:
            changes.append(SchemaChange(ChangeKind.TABLE_MISSING, name))
    known = {*contract.tables, *contract.left_out}
    changes += [SchemaChange(ChangeKind.TABLE_NEW, name) for name in definitions if name not in known]
    return changes


def _of_table(name: str, table: Table, definition: TableDefinition) -> Iterator[SchemaChange]:
    found = {column.name: column for column in definition.columns}
    renamed = _renamed(table, definition)
    for column, said in table.columns.items():
        if column in renamed:
            yield SchemaChange(ChangeKind.COLUMN_RENAMED, name, column, column, renamed[column])
        elif column not in found and column not in table.selected_columns:
            continue  # it is never copied, and may be gone
        elif column not in found:
            yield SchemaChange(ChangeKind.COLUMN_DROPPED, name, column, said.type)
        else:
            there = found[column]
            expected = normal_type(said.type)
            if expected != there.type:
                yield SchemaChange(ChangeKind.RETYPED, name, column, expected, there.type)
            if said.nullable != there.nullable:
                kind = ChangeKind.NULLABLE if there.nullable else ChangeKind.REQUIRED
                yield SchemaChange(kind, name, column)
    for column, there in found.items():
        if column not in table.columns and column not in renamed.values():
            yield SchemaChange(ChangeKind.COLUMN_ADDED, name, column, found=there.type)
    keys = definition.row_keys
    if table.primary_key and set(table.primary_key) not in map(set, keys):
        expected, key = ", ".join(table.primary_key), ", ".join(next(iter(keys), ()))
        yield SchemaChange(ChangeKind.KEY_CHANGED, name, expected=expected, found=key)


def _renamed(table: Table, definition: TableDefinition) -> dict[str, str]:
    """New names by old ones: the columns around them are the same, and so is the type."""
    there = [column.name for column in definition.columns]
    types = {column.name: column.type for column in definition.columns}
    before = list(table.columns)
    gone = [column for column in table.selected_columns if column not in types]
    came = [column for column in there if column not in table.columns]
    renamed: dict[str, str] = {}
    for old in gone:
        for new in came:
            same_type = normal_type(table.columns[old].type) == types[new]
            same_place = _left_of(before, old, set(gone)) == _left_of(there, new, set(came))
            if same_type and same_place and new not in renamed.values():
                renamed[old] = new
                break
    return renamed


def _left_of(columns: list[str], column: str, passed: Set[str]) -> str:
    """The nearest column to the left that is in both."""
    left = columns[: columns.index(column)]
    return next((one for one in reversed(left) if one not in passed), "")
