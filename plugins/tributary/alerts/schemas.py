"""Dumps that were loaded although they are not as their contracts say. Pure.

What stopped a dump is a failed step and told as that. What did not stays wrong until the contract says it: otherwise
nobody would learn of a column that is not copied, or of one that is empty from now on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from tributary import naming
from tributary.alerts.facts import Facts, SchemaChanges, owner_of, severity_of
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.dead_letters.redaction import one_line
from tributary.drift.decisions import Decision, Outcome
from tributary.registry import Registry

_MOST_TOLD = 10


def find(facts: Facts, registry: Registry) -> list[Finding]:
    """One finding for each database of the registry whose newest dump differs from its contract."""
    return [
        _finding(database, changes, facts, registry)
        for database, changes in sorted((facts.schemas or {}).items())
        if database in registry.databases
    ]


def schemas_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, SchemaChanges]:
    """From rows of `ops/schema_changes_now`, which come database by database; without what was stopped."""
    found = {}
    for database, of in groupby(rows, key=lambda row: row["database"]):
        loaded = [row for row in of if row["outcome"] != Outcome.STOPPED]
        if loaded:
            newest = max(loaded, key=lambda row: (row["first_day"], row["since"]))
            found[database] = SchemaChanges(
                day=newest["first_day"],
                since=newest["since"],
                run_id=newest["run_id"],
                changes=tuple(f"{Decision.of(row)}: {row['outcome']}" for row in loaded),
            )
    return found


def _finding(database: str, found: SchemaChanges, facts: Facts, registry: Registry) -> Finding:
    number = len(found.changes)
    more = [f"and {number - _MOST_TOLD} more"] if number > _MOST_TOLD else []
    severity = severity_of(database, registry)
    return Finding(
        kind=Kind.schema_changed,
        subject=database,
        day=found.day,
        cause=f"{database}/schema",
        # Its rows are there: nobody has to get up for it.
        severity=Severity.ticket if severity is Severity.page else severity,
        owner=owner_of(database, registry),
        since=found.since,
        run_id=found.run_id,
        headline=f"its dump differs from the contract in {number} {'place' if number == 1 else 'places'}",
        detail=(*map(one_line, found.changes[:_MOST_TOLD]), *more),
        readers=facts.readers(database, registry),
        command=f"tributary contract accept {database}",
        url=facts.link(naming.dag_id(database), found.run_id),
    )
