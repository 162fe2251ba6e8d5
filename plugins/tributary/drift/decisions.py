"""What is done about each change of a schema, by the modes of the contract. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tributary import naming
from tributary.contracts import Column, Contract, OnChange, Table, why_unfit
from tributary.drift.changes import ChangeKind, SchemaChange, schema_changes
from tributary.drift.conversions import conversion
from tributary.dumps import DumpReport
from tributary.dumps.definitions import TableDefinition, normal_type
from tributary.errors import SchemaDriftError
from tributary.onboarding.personal import looks_personal
from tributary.quality.schema import bigquery_types

_MOST_TOLD = 10


class Outcome(StrEnum):
    """What is done about a change."""

    STOPPED = "stopped"
    """The dump is not imported."""
    FITS = "fits"
    """The contract holds as it is; where that is for the values to say, `validate_raw` asks them."""
    LEFT_OUT = "left out"
    """It is not copied."""
    COPIED = "copied"
    """It is copied to raw, beside the contract's columns."""
    EMPTY = "empty"
    """The contract's column is empty in every row."""
    RENAMED = "read by its new name"
    """The contract's column has the values of the new one."""
    CONVERTED = "converted"
    """Its values are brought back to the contract's type; one that cannot be stops the database."""
    SET_ASIDE = "converted or set aside"
    """The same, but rows with values that cannot be go to quarantine."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A change and what is done about it. `mode` is None where the contract says nothing; `why` may be empty."""

    change: SchemaChange
    mode: OnChange | None
    outcome: Outcome
    why: str = ""

    def __str__(self) -> str:
        return f"{self.change}{f' ({self.why})' if self.why else ''}"

    @property
    def changes_run(self) -> bool:
        """Whether the steps behind pre-flight have to do something about it."""
        return self.outcome not in (Outcome.STOPPED, Outcome.FITS, Outcome.LEFT_OUT)

    def to_dict(self) -> dict[str, str]:
        """For XCom and `ops.schema_changes`: texts by name. Definitions only, nothing of rows."""
        return {
            "change": str(self.change.kind),
            "table_name": self.change.table,
            "column_name": self.change.column,
            "contract": self.change.expected,
            "dump": self.change.found,
            "mode": str(self.mode or ""),
            "outcome": str(self.outcome),
            "why": self.why,
        }

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Decision:
        """From `to_dict`."""
        change = SchemaChange(
            ChangeKind(said["change"]), said["table_name"], said["column_name"], said["contract"], said["dump"]
        )
        mode = OnChange(said["mode"]) if said["mode"] else None
        return cls(change, mode, Outcome(said["outcome"]), said["why"])


def decisions_about(contract: Contract, report: DumpReport) -> list[Decision]:
    """What is done about everything in which a dump differs from its contract.

    `report` is of pre-flight with definitions, and has refused nothing. A table whose definition could not be read is
    left alone: the sync and `validate_raw` see what arrives of it.
    """
    unread = [name for name in contract.tables if name in report.tables and name not in report.definitions]
    known = contract.model_copy(
        update={"tables": {name: table for name, table in contract.tables.items() if name not in unread}}
    )
    hidden = {name: _gone_unseen(table, report.definitions.get(name)) for name, table in known.tables.items()}
    return [
        decide(
            contract,
            change,
            gone=[type_ for name, type_ in hidden.get(change.table, {}).items() if name != change.column],
        )
        for change in schema_changes(known, report.definitions)
    ]


def _gone_unseen(table: Table, definition: TableDefinition | None) -> dict[str, str]:
    """The columns, with their types, that are personal or never copied, and are not there any more.

    A new one may be one of them, renamed.
    """
    there = {column.name for column in definition.columns} if definition else set()
    return {
        name: normal_type(column.type)
        for name, column in table.columns.items()
        if name not in there and (column.personal or not column.is_selected)
    }


def require_no_stop(decisions: Iterable[Decision], database: str, app: str) -> None:
    """Raise SchemaDriftError where something stops the dump; it tells every change that does."""
    stopped = [str(one) for one in decisions if one.outcome is Outcome.STOPPED]
    if stopped:
        more = f"; and {len(stopped) - _MOST_TOLD} more" if len(stopped) > _MOST_TOLD else ""
        raise SchemaDriftError(
            f"expected the tables of include/contracts/{app}.yaml in the dump of {database}, found: "
            f"{'; '.join(stopped[:_MOST_TOLD])}{more}. Nothing was imported. If production changed them on purpose, "
            f"`tributary contract accept {database}` changes the contract (then change the models that use them), or "
            "say in it what is to be done, with `on_change` (docs/drift.md); then replay. "
            "Else have the dump repaired and clear find_dump"
        )


def decide(contract: Contract, change: SchemaChange, *, gone: Collection[str] = ()) -> Decision:
    """What is done about one change.

    :param gone: the types of the table's other columns that are personal or never copied, and went.
    """
    mode = contract.on_change_of(change.table, change.column)
    if mode is OnChange.freeze:
        return Decision(change, mode, Outcome.STOPPED)
    outcome, why = _DECIDED[change.kind](contract, change, mode)
    if outcome in (Outcome.COPIED, Outcome.RENAMED) and _type_of_new(contract, change) in gone:
        outcome = _NOT_TAKEN[outcome]
        why = "a column of its type that is personal or never copied went: it may be that one, renamed"
    return Decision(change, mode, outcome, why)


_Found = tuple[Outcome, str]

# What becomes of a column of the dump that may not be read as it asks for.
_NOT_TAKEN = {Outcome.COPIED: Outcome.LEFT_OUT, Outcome.RENAMED: Outcome.STOPPED}


def _new_column(contract: Contract, change: SchemaChange, name: str, outcome: Outcome) -> _Found:
    """The outcome, unless the name, which is the dump's own word, looks personal or can be no column's here."""
    table = contract.tables[change.table]
    # What is personal by the contract is treated as such by any name.
    known = change.kind is ChangeKind.COLUMN_RENAMED and table.columns[change.column].personal
    personal = not known and looks_personal(change.table, name, _type_of_new(contract, change))
    reason = personal or why_unfit(name, "column")
    return (_NOT_TAKEN[outcome], reason) if reason else (outcome, "")


def _type_of_new(contract: Contract, change: SchemaChange) -> str:
    """The type of an added column, or of a renamed one, which has that of the contract's."""
    if change.kind is ChangeKind.COLUMN_RENAMED:
        return normal_type(contract.tables[change.table].columns[change.column].type)
    return change.found


def _added(contract: Contract, change: SchemaChange, mode: OnChange | None) -> _Found:
    if mode is not OnChange.evolve:
        return Outcome.LEFT_OUT, ""
    return _new_column(contract, change, change.column, Outcome.COPIED)


def _dropped(contract: Contract, change: SchemaChange, mode: OnChange | None) -> _Found:
    return (Outcome.STOPPED, "") if mode is None else _emptied(contract, change)


def _renamed(contract: Contract, change: SchemaChange, mode: OnChange | None) -> _Found:
    if mode is OnChange.evolve:
        return _new_column(contract, change, change.found, Outcome.RENAMED)
    return _dropped(contract, change, mode)


def _retyped(contract: Contract, change: SchemaChange, mode: OnChange | None) -> _Found:
    table = contract.tables[change.table]
    there, expected = bigquery_types(change.found), bigquery_types(change.expected)
    if change.column not in table.selected_columns:
        return Outcome.FITS, "it is not copied"
    if not expected or (there and there <= expected):
        return Outcome.FITS, "the same in BigQuery"
    if mode is None:
        return Outcome.STOPPED, ""
    if mode is OnChange.discard_column:
        return _emptied(contract, change)
    if change.column in table.primary_key:
        return Outcome.STOPPED, "it is of the key, which is not converted"
    if conversion(change.found, change.expected) is None:
        return Outcome.STOPPED, "such values are not converted"
    if mode is OnChange.evolve:
        return Outcome.CONVERTED, ""
    if table.columns[change.column].personal:
        return Outcome.STOPPED, "personal values are not set aside in clear"
    if not table.primary_key:
        return Outcome.STOPPED, "rows of a table without a key cannot be set aside"
    return Outcome.SET_ASIDE, ""


def _emptied(contract: Contract, change: SchemaChange) -> _Found:
    if contract.tables[change.table].columns[change.column].nullable:
        return Outcome.EMPTY, ""
    return Outcome.STOPPED, "the contract says that it is never empty"


def _for_the_values(*_: Any) -> _Found:
    return Outcome.FITS, "validate_raw checks the values"


_DECIDED: dict[ChangeKind, Callable[[Contract, SchemaChange, OnChange | None], _Found]] = {
    ChangeKind.TABLE_NEW: lambda *_: (Outcome.LEFT_OUT, ""),
    ChangeKind.TABLE_MISSING: lambda *_: (Outcome.STOPPED, ""),
    ChangeKind.COLUMN_ADDED: _added,
    ChangeKind.COLUMN_DROPPED: _dropped,
    ChangeKind.COLUMN_RENAMED: _renamed,
    ChangeKind.RETYPED: _retyped,
    ChangeKind.NULLABLE: _for_the_values,
    ChangeKind.REQUIRED: lambda *_: (Outcome.FITS, ""),
    ChangeKind.KEY_CHANGED: _for_the_values,
}


def evolved(contract: Contract, decisions: Iterable[Decision]) -> Contract:
    """The contract of what one run copies: with the columns that come beside its own."""
    tables = dict(contract.tables)
    for one in decisions:
        table = one.change.table
        if one.outcome is Outcome.COPIED:
            column = one.change.column, Column(type=one.change.found, nullable=True)
        elif one.outcome is Outcome.SET_ASIDE:
            column = naming.unfit_column(one.change.column), Column(type="longtext", nullable=True)
        else:
            continue
        tables[table] = tables[table].model_copy(update={"columns": {**tables[table].columns, column[0]: column[1]}})
    return contract.model_copy(update={"tables": tables})
