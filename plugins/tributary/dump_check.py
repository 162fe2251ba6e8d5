"""Pre-flight by a contract, and of a file on this machine, for `tributary dump check`. No Airflow, no connection."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from tributary.contracts import Contract
from tributary.drift.decisions import Decision, decisions_about, require_no_stop
from tributary.dumps import DumpReport, preflight
from tributary.registry import load_registry

STANDARD_INPUT = "-"


class ReportFormat(StrEnum):
    """How a report is printed."""

    text = "text"
    json = "json"


@dataclass(frozen=True)
class Checked:
    """What pre-flight says of a dump, and where it was held against a contract, what differs from that."""

    report: DumpReport
    decisions: tuple[Decision, ...] = ()
    contract: Contract | None = None

    def to_text(self) -> str:
        """The report for a person, and a line for each difference."""
        return self.report.to_text() + "".join(f"  schema: {one}: {one.outcome}\n" for one in self.decisions)

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {**self.report.to_dict(), "changes": [one.to_dict() for one in self.decisions]}

    def raise_if_refused(self, database: str | None) -> None:
        """Raise `DumpRefused`, or `SchemaDriftError`, where a DAG would not import it."""
        self.report.raise_if_refused()
        if self.contract:
            require_no_stop(self.decisions, database or "", self.contract.app)


def check_dump(file: str, database: str | None) -> Checked:
    """What pre-flight says of a local file, or of standard input for `-`.

    A `database` of the registry is checked by its contract, as its DAG does; any other name must be the one in
    the dump's header, and without one any database will do. Raises the `DumpError`s of `preflight`, `OSError`
    for a file that cannot be read, and `RegistryError` for a database whose entry is broken.
    """
    contract = None
    if database is not None:
        registry = load_registry()
        if database in registry.databases or any(entry.name == database for entry in registry.broken):
            contract = registry.database(database).contract
    with nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else Path(file).open("rb") as stream:
        if contract is None or database is None:
            return Checked(preflight(stream, database=database))
        report = preflight_by(contract, stream, database, describe=True)
    decisions = decisions_about(contract, report) if report.ok else []
    return Checked(report, tuple(decisions), contract)


def preflight_by(
    contract: Contract, stream: BinaryIO, database: str, *, not_before: date | None = None, describe: bool = False
) -> DumpReport:
    """Pre-flight of a dump of that database as its contract wants it; see `preflight`."""
    return preflight(
        stream,
        database=database,
        source_name=contract.source_name,
        expected_tables=tuple(contract.tables),
        allow_own_database=contract.own_database_statements,
        require_completion=contract.completion_line,
        not_before=not_before,
        describe=describe,
    )
