"""A contract from what a dump says of itself, and what a person should know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tributary.contracts import Column, Contract, Models, Table, why_unfit
from tributary.dumps import DumpReport
from tributary.dumps.definitions import ColumnDefinition, TableDefinition
from tributary.errors import TributaryError
from tributary.onboarding.personal import looks_personal
from tributary.onboarding.ranges import Bounds, bounds_of

# Findings of pre-flight that an option of the contract answers, so that they refuse nothing once it is there.
ANSWERED = frozenset({"database_statement", "incomplete", "no_header"})

Rows = Sequence[Mapping[str, str | None]]


@dataclass(frozen=True)
class Inferred:
    """A contract, and what a person may see otherwise.

    `personal` says why a column is called so, by table and column; `bounds` are those that numbers seem to have;
    `left_out` says why a table is not in the contract; `notes` are sentences about the rest.
    """

    contract: Contract
    personal: Mapping[str, Mapping[str, str]]
    bounds: Mapping[str, Mapping[str, Bounds]]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class TableDraft:
    """One table on its way into the contract; `personal` says why columns are called so."""

    definition: TableDefinition
    personal: Mapping[str, str]
    unfit: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.unfit = {
            column.name: reason for column in self.definition.columns if (reason := why_unfit(column.name, "column"))
        }

    @property
    def key(self) -> tuple[str, ...]:
        """The first one whose columns are all copied."""
        return next((key for key in self.definition.row_keys if self._not_copied.isdisjoint(key)), ())

    @property
    def _not_copied(self) -> set[str]:
        return self.personal.keys() | self.unfit.keys()

    @property
    def why_left_out(self) -> str:
        """Why it cannot stand in a contract; empty where it can."""
        if reason := why_unfit(self.definition.name, "table"):
            return reason
        if self._not_copied.issuperset(column.name for column in self.definition.columns):
            return "no column of it could be copied: they look personal, or have names that cannot be kept"
        return ""

    def notes(self) -> Iterator[str]:
        """What a person should know of it."""
        name = self.definition.name
        for column, reason in self.unfit.items():
            yield f"{name}: column {column!r} is left out: {reason}"
        if not self.key:
            why = "its keys are personal" if self.definition.row_keys else "it has no key"
            yield f"{name}: {why}: its rows are copied and counted, and not told apart"

    def described(self) -> Table:
        """The table as a contract has it."""
        columns = {
            column.name: self.described_column(column)
            for column in self.definition.columns
            if column.name not in self.unfit
        }
        return Table(description=_on_one_line(self.definition.comment), primary_key=self.key, columns=columns)

    def described_column(self, column: ColumnDefinition) -> Column:
        """One of its columns as a contract has it."""
        return Column(
            type=column.type,
            description=_on_one_line(column.comment),
            nullable=column.nullable,
            personal=column.name in self.personal,
        )


def _on_one_line(comment: str) -> str:
    return " ".join(comment.split())


def infer(app: str, report: DumpReport, samples: Iterable[tuple[str, Rows]], database: str) -> Inferred:
    """The contract of `app` by the dump of one of its databases.

    Raises TributaryError where it has no table that could be in a contract.

    :param report: of pre-flight, with definitions.
    :param samples: some rows of tables that have any, table by table.
    :param database: the name that the database has, or is to have, in the registry.
    """
    personal = {name: personal_columns(definition, ()) for name, definition in report.definitions.items()}
    bounds: dict[str, dict[str, Bounds]] = {}
    for name, rows in samples:
        personal[name] = personal_columns(report.definitions[name], rows)
        bounds[name] = _bounds(report.definitions[name], rows)
    kept: dict[str, TableDraft] = {}
    left_out: dict[str, str] = {}
    for name in report.tables:
        if name not in report.definitions:
            left_out[name] = "its definition could not be read"
            continue
        table = TableDraft(report.definitions[name], personal[name])
        if reason := table.why_left_out:
            left_out[name] = reason
        else:
            kept[name] = table
    if not kept:
        told = "; ".join(f"{name[:64]!r}: {reason}" for name, reason in list(left_out.items())[:10])
        raise TributaryError(f"expected tables that a contract can describe, found none ({told or 'no table at all'})")
    named = report.named_databases | ({report.database} if report.database else set())
    source = next(iter(named)) if len(named) == 1 else report.database
    contract = Contract(
        app=app,
        models=Models.GENERATED,
        completion_line=report.complete and report.database is not None,
        own_database_statements=bool(report.named_databases),
        drop_definers=any(finding.code == "definer" for finding in report.findings),
        source_name=source if source != database else None,
        left_out=tuple(left_out),
        tables={name: table.described() for name, table in kept.items()},
    )
    notes = tuple(note for table in kept.values() for note in table.notes())
    bounded = {
        name: {column: bounds[name][column] for column in table.selected_columns if column in bounds[name]}
        for name, table in contract.tables.items()
        if name in bounds
    }
    return Inferred(contract, {name: kept[name].personal for name in kept}, bounded, left_out, notes)


def _bounds(definition: TableDefinition, rows: Rows) -> dict[str, Bounds]:
    found = {
        column.name: bounds_of(column.name, column.type, [row.get(column.name) for row in rows])
        for column in definition.columns
    }
    return {column: bounds for column, bounds in found.items() if bounds}


def personal_columns(definition: TableDefinition, rows: Rows) -> dict[str, str]:
    """Why columns look personal, by their names; those that do not are not there."""
    found = {
        column.name: looks_personal(definition.name, column.name, column.type, [row.get(column.name) for row in rows])
        for column in definition.columns
    }
    return {column: reason for column, reason in found.items() if reason}
