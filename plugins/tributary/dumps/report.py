"""What pre-flight found out about one dump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tributary.dumps.definitions import TableDefinition
from tributary.dumps.errors import DumpRefused
from tributary.dumps.formats import Compression

# The code of what `Changes.sandbox_line` removes.
SANDBOX_LINE = "sandbox_line"

# How far behind a table's first row `rows_at` goes on, where more statements of rows follow.
SAMPLED_BYTES = 1024 * 1024

_IN_DICT = 20


class Severity(StrEnum):
    """An error refuses the dump, a warning wants a look, a note is for the record."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that pre-flight noticed. `message` holds names and sizes, never row contents.

    `line` and `statement` count from 1 and give the first place of `count` alike ones.
    """

    severity: Severity
    code: str
    message: str
    line: int | None = None
    statement: int | None = None
    table: str | None = None
    count: int = 1

    def __str__(self) -> str:
        places = [f"{word} {at}" for word, at in (("line", self.line), ("statement", self.statement)) if at]
        if self.count > 1:
            places.append(f"the first of {self.count}")
        return f"{self.code}: {self.message}" + (f" ({', '.join(places)})" if places else "")


@dataclass(frozen=True, slots=True)
class DumpReport:
    """The pre-flight report of one dump that could be read to its last byte.

    `expected_database` is None where any would do. `database`, `server`, `server_version` are what the dump's
    header says, None where it has none; `character_set` is that of the connection. `tables` maps the tables
    that exist after the dump to their rows. `complete` says that the dump's own completion line is its last
    line. `compression`, `sha256` (hexadecimal) and `compressed_bytes` are of the object as stored, `sql_bytes`
    of its text. `named_databases` are those that statements create, drop or use. Where they were asked for,
    `definitions` are those of `tables`, as far as they could be read (a finding names the others), and `rows_at` is
    from where to where the first rows of a table stand, in bytes of the text.
    """

    expected_database: str | None
    database: str | None
    server: str | None
    server_version: str | None
    character_set: str | None
    compression: Compression
    compressed_bytes: int
    sql_bytes: int
    statements: int
    complete: bool
    sha256: str
    tables: Mapping[str, int] = field(hash=False)
    findings: tuple[Finding, ...] = ()
    definitions: Mapping[str, TableDefinition] = field(default_factory=dict, hash=False, repr=False)
    rows_at: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False, repr=False)
    named_databases: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether the dump may be imported: no finding is an error."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the dump."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def has_sandbox_line(self) -> bool:
        """Whether the import needs the dump without its sandbox line; see `Changes`."""
        return any(finding.code == SANDBOX_LINE for finding in self.findings)

    @property
    def rows(self) -> int:
        """The rows of all tables together."""
        return sum(self.tables.values())

    def raise_if_refused(self) -> None:
        """Raise `DumpRefused` with this report unless it is `ok`."""
        if not self.ok:
            raise DumpRefused(self)

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON and XCom: plain types, the first twenty findings, errors first."""
        findings = [
            {
                "severity": str(finding.severity),
                "code": finding.code,
                "message": finding.message,
                "line": finding.line,
                "statement": finding.statement,
                "table": finding.table,
                "count": finding.count,
            }
            for finding in self._worst_first()[:_IN_DICT]
        ]
        return {
            "ok": self.ok,
            "expected_database": self.expected_database,
            "database": self.database,
            "server": self.server,
            "server_version": self.server_version,
            "character_set": self.character_set,
            "compression": str(self.compression),
            "compressed_bytes": self.compressed_bytes,
            "sql_bytes": self.sql_bytes,
            "statements": self.statements,
            "complete": self.complete,
            "sha256": self.sha256,
            "tables": dict(self.tables),
            "findings": findings,
            "findings_left_out": len(self.findings) - len(findings),
        }

    def to_text(self) -> str:
        """The report for a person."""
        server = " ".join(filter(None, (self.server, self.server_version))) or "an unknown server"
        packed = "" if self.compression is Compression.NONE else f" as {self.compression}"
        lines = [
            f"dump of {self.database or 'an unnamed database'} for {self.expected_database or 'any database'}: "
            f"{'may be imported' if self.ok else 'REFUSED'}",
            f"  from {server}, character set {self.character_set or 'not set'}, "
            f"{'whole' if self.complete else 'without a completion line at its end'}",
            f"  {self.compressed_bytes:,} bytes stored{packed}, {self.sql_bytes:,} bytes of SQL, "
            f"{self.statements:,} statements, sha256 {self.sha256}",
            f"  {len(self.tables)} tables, {self.rows:,} rows",
            *(f"    {table}: {rows:,}" for table, rows in sorted(self.tables.items())),
            *(f"  {finding.severity} {finding}" for finding in self._worst_first()),
        ]
        return "\n".join(lines) + "\n"

    def _worst_first(self) -> list[Finding]:
        order = list(Severity)
        return sorted(self.findings, key=lambda finding: order.index(finding.severity))
