"""A contract from what a dump says of itself, and what a person should know of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tributary.dumps import DumpReport
from tributary.dumps.definitions import TableDefinition
from tributary.onboarding.personal import looks_personal
from tributary.registry import IDENTIFIER, Column, Contract, Table

# Findings of pre-flight that an option of the contract answers, so that they refuse nothing once it is there.
ANSWERED = frozenset({"database_statement", "incomplete", "no_header"})

Samples = Mapping[str, Sequence[Mapping[str, str | None]]]


@dataclass(frozen=True)
class Inferred:
    """A contract, and by table what was decided that a person may see otherwise, a sentence each.

    `personal` says why a column is called so, by table and column.
    """

    contract: Contract
    personal: Mapping[str, Mapping[str, str]]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


def infer(app: str, report: DumpReport, samples: Samples, database: str) -> Inferred:
    """The contract of `app` by the dump of one of its databases.

    :param database: the name that the database has, or is to have, in the registry.
    """
    personal: dict[str, dict[str, str]] = {}
    left_out: dict[str, str] = {}
    tables: dict[str, Table] = {}
    notes: list[str] = []
    for name in report.tables:
        definition = report.definitions.get(name)
        reason = why_left_out(name, definition)
        if reason or definition is None:
            left_out[name] = reason
            continue
        reasons = _personal(definition, samples.get(name, ()))
        kept = {column: reason for column, reason in reasons.items() if column in definition.row_key}
        notes += [
            f"{name}.{column} is part of the table's key and so is copied, although {reason}"
            for column, reason in kept.items()
        ]
        personal[name] = {column: reason for column, reason in reasons.items() if column not in kept}
        notes += [f"{name}.{column}: left out: {why}" for column, why in _unfit_columns(definition)]
        if not definition.row_key:
            notes.append(f"table {name} has no key: its rows are copied and counted, and not told apart")
        tables[name] = _table(definition, personal[name])
    named = report.named_databases | ({report.database} if report.database else set())
    source = next(iter(named)) if len(named) == 1 else report.database
    contract = Contract(
        app=app,
        raw_only=True,
        completion_line=report.complete and report.database is not None,
        own_database_statements=bool(report.named_databases),
        drop_definers=any(finding.code == "definer" for finding in report.findings),
        source_name=source if source != database else None,
        tables=tables,
    )
    return Inferred(contract, personal, left_out, tuple(notes))


def why_left_out(name: str, definition: TableDefinition | None) -> str:
    """Why a table cannot stand in a contract; empty where it can."""
    if definition is None:
        return "its definition could not be read"
    if not re.fullmatch(IDENTIFIER, name):
        return "its name is none that BigQuery and Airbyte leave as it is: expected letters, digits and underscores"
    unfit = dict(_unfit_columns(definition))
    if unfit.keys() & set(definition.row_key):
        return f"a column of its key, {next(iter(unfit.keys() & set(definition.row_key)))!r}, has a name of that sort"
    return ""


def _unfit_columns(definition: TableDefinition) -> Iterator[tuple[str, str]]:
    for column in definition.columns:
        if not re.fullmatch(IDENTIFIER, column.name):
            yield column.name, "its name is no word of letters, digits and underscores"


def _personal(definition: TableDefinition, rows: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    found = {
        column.name: looks_personal(definition.name, column.name, column.type, [row.get(column.name) for row in rows])
        for column in definition.columns
    }
    return {column: reason for column, reason in found.items() if reason}


def _table(definition: TableDefinition, personal: Mapping[str, str]) -> Table:
    unfit = dict(_unfit_columns(definition))
    columns = {
        column.name: Column(
            type=column.type,
            description=column.comment,
            nullable=column.nullable,
            personal=column.name in personal,
        )
        for column in definition.columns
        if column.name not in unfit
    }
    return Table(description=definition.comment, primary_key=definition.row_key, columns=columns)
