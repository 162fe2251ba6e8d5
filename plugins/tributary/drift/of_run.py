"""What pre-flight decided about a run's dump, for the steps behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.drift.decisions import Decision, Outcome, evolved
from tributary.quality.rules import Meta, Rule, Suites, TableSuite
from tributary.registry import Database

if TYPE_CHECKING:
    from airflow.sdk import Context

# The key of pre-flight's result under which the decisions stand.
CHANGES = "changes"


def decided(preflight: Any, context: Context) -> list[Decision]:
    """The decisions in what pre-flight returned; none of a run that began before there were any."""
    found = preflight.resolve(context) if preflight else None
    return [Decision.of(one) for one in (found or {}).get(CHANGES, ())]


def database_of_run(database: Database, decisions: Iterable[Decision]) -> Database:
    """The database with the contract of what the run copies."""
    return database.model_copy(update={"contract": evolved(database.contract, decisions)})


def unfit_rules(decisions: Iterable[Decision]) -> Suites:
    """The rules of raw by which rows go aside whose values the contract's types cannot hold."""
    rules: dict[str, list[Rule]] = {}
    for one in decisions:
        if one.outcome is Outcome.SET_ASIDE:
            word = re.sub(r"\W", "_", one.change.column.lower())[:60]
            column = naming.unfit_column(one.change.column)
            rule = Rule(
                type="expect_column_values_to_be_null",
                kwargs={"column": column},
                meta=Meta(rule=f"column_{word}_fits", why=str(one)),
                origin="docs/drift.md",
            )
            rules.setdefault(one.change.table, []).append(rule)
    return Suites(layer="raw", tables={table: TableSuite(expectations=tuple(of)) for table, of in rules.items()})
