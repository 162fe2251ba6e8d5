"""Collecting the rows that break rules, round by round, before any of them is moved.

A row that is set aside can make others bad: the lines of an order that is gone have no order. So
rows are looked for in what would be left of raw, until a round finds no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.quality.rules import Rule, Suites
from tributary.quarantine.conditions import BrokenRows, UntranslatableError, broken_rows, key_text
from tributary.quarantine.limits import BadRows
from tributary.sqlfiles import compose_sql, render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# What was found lies here while a run decides, in the quarantine dataset.
FINDINGS = "_tributary_findings"
# Orphans of orphans end after as many rounds as tables refer to each other; this ends everything else.
MAX_ROUNDS = 10

_TYPES: dict[type, str] = {
    bool: "BOOL",
    int: "INT64",
    float: "FLOAT64",
    str: "STRING",
    Decimal: "NUMERIC",
    date: "DATE",
    datetime: "DATETIME",
}

FailedRules = Mapping[str, Iterable[Rule]]


class Findings:
    """The rows of one database that break rules."""

    def __init__(self, client: Client, database: str, suites: Suites) -> None:
        self.client = client
        self.database = database
        self.suites = suites
        self._names = {
            "raw": naming.raw_dataset(database),
            "quarantine": naming.quarantine_dataset(database),
            "findings": FINDINGS,
        }

    def collect(self, failed: FailedRules) -> bool:
        """Find every row that breaks one of these rules, and those that break any rule once the former are gone.

        False where MAX_ROUNDS did not find the last one. Nothing but the table of findings is written.
        """
        self._run("findings")
        wanted: FailedRules = failed
        for number in range(1, MAX_ROUNDS + 1):
            for table, rules in wanted.items():
                self._find(table, [self._query(table, rule, place) for place, rule in enumerate(rules)], number)
            (new,) = self._run("new_findings", round=str(number))
            if not new["findings"]:
                return True
            wanted = self._upset_by_removal()
        return False

    def bad_rows(self, tables: Iterable[str]) -> list[BadRows]:
        """By table, its rows and those that were found and not released; tables without any are left out."""
        counted = [BadRows(*row.values()) for row in self._of_each(tables, "count_bad")]
        return [table for table in counted if table.bad]

    def released_rows(self, tables: Iterable[str]) -> dict[tuple[str, str], int]:
        """By table and rule, the rows of raw that break it and that a person has released."""
        return {(table, rule): rows for table, rule, rows in self._of_each(tables, "count_released")}

    def drop(self) -> None:
        """Remove the table of findings."""
        quarantine = self._names["quarantine"]
        self.client.delete_table(f"{self.client.project}.{quarantine}.{FINDINGS}", not_found_ok=True)

    def key(self, table: str, alias: str = "") -> str:
        """An expression for the key of a table's rows, as JSON text."""
        return key_text(self.suites.tables[table].key, alias)

    def _upset_by_removal(self) -> dict[str, list[Rule]]:
        """By table, the rules that rows can break because others are gone."""
        wanted: dict[str, list[Rule]] = {}
        for table, suite in self.suites.tables.items():
            for rule in suite.expectations:
                try:
                    upset = self._query(table, rule, 0).sees_other_rows
                except UntranslatableError:
                    # The check after the move holds it against what is left.
                    continue
                if upset:
                    wanted.setdefault(table, []).append(rule)
        return wanted

    def _query(self, table: str, rule: Rule, place: int) -> BrokenRows:
        query = broken_rows(rule, table=table, key=self.suites.tables[table].key, rows=self._left, prefix=f"p{place}")
        # The rule's name travels as a value, like those of the rule.
        return BrokenRows(query.sql, {**query.values, f"p{place}_rule": rule.name}, query.sees_other_rows)

    def _left(self, table: str) -> str:
        """The rows of a table that would stay in raw after what was found so far."""
        raw, quarantine = self._names["raw"], self._names["quarantine"]
        return (
            f"(select * from `{raw}`.`{table}` where {self.key(table)} not in (select row_key from "  # noqa: S608
            f"`{quarantine}`.`{FINDINGS}` where table_name = '{table}' and coalesce(decision, '') <> 'release'))"
        )

    def _find(self, table: str, queries: list[BrokenRows], number: int) -> None:
        key = self.key(table, "bad")
        broken = "\nunion all\n".join(
            f"select @p{place}_rule as rule, {key} as row_key from ({query.sql}) as bad"  # noqa: S608
            for place, query in enumerate(queries)
        )
        sql = compose_sql("quarantine/find", {"broken": f"({broken})"}, {"table": table, **self._names})
        values = {name: value for query in queries for name, value in query.values.items()}
        execute_typed(self.client, sql, {**values, "round": str(number), "database": self.database})

    def _of_each(self, tables: Iterable[str], name: str) -> list[Any]:
        """The rows of a query that is asked of each table."""
        rows: list[Any] = []
        for table in tables:
            pieces = {"row_key": self.key(table)}
            sql = compose_sql(f"quarantine/{name}", pieces, {"table": table, **self._names})
            rows += execute_typed(self.client, sql, {})
        return rows

    def _run(self, name: str, **values: Any) -> list[Any]:
        return list(execute_typed(self.client, render_sql(f"quarantine/{name}", **self._names), values))


def execute_typed(client: Client, sql: str, values: Mapping[str, Any]) -> Any:
    """Run one statement with named parameters whose types are those of the values, and wait for its rows."""
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    parameters = [ScalarQueryParameter(name, _TYPES[type(value)], value) for name, value in values.items()]
    return client.query(sql, job_config=QueryJobConfig(query_parameters=parameters)).result()
