"""Collecting findings without end: alike ones are counted, and there is a limit."""

from __future__ import annotations

from dataclasses import replace

from tributary.dumps.report import Finding, Severity

_LIMIT = 1000


class Findings:
    """The findings of one dump; of those with the same code and table the first, and the number of all."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, str | None], Finding] = {}

    def add(self, finding: Finding) -> None:
        """Add one; from the thousandth kind on as a single error that says so."""
        key = (finding.code, finding.table)
        if key not in self._findings and len(self._findings) >= _LIMIT:
            key = ("too_many_findings", None)
            message = f"expected a dump, found more than {_LIMIT} kinds of oddities"
            finding = Finding(Severity.ERROR, key[0], message, finding.line, finding.statement)
        known = self._findings.get(key)
        self._findings[key] = replace(known, count=known.count + 1) if known else finding

    def all(self) -> tuple[Finding, ...]:
        """All findings, in the order of their first places."""
        return tuple(self._findings.values())
