"""What people see of the rows that were set aside, and what they decide about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

from tributary import naming
from tributary.contracts import Table
from tributary.errors import TributaryError
from tributary.ledger.reading import table_columns
from tributary.ledger.store import OpsStore, execute
from tributary.privacy.ways import Personal
from tributary.quality.rules import Suites
from tributary.quality.schema import bigquery_types
from tributary.quarantine.conditions import key_text, quoted
from tributary.quarantine.moving import quarantined_tables
from tributary.registry import Database
from tributary.sqlfiles import compose_sql, render_sql

Decision = Literal["release", "drop"]
Row = dict[str, Any]

# Rows of one insert: a query parameter has a limit of its own.
_DECIDED_AT_ONCE = 5000
# Beyond it BigQuery's JSON has an integer as a text, since a float could not hold it.
_LARGEST_NUMBER = 2**53


class UnknownRowsError(TributaryError):
    """There is no such table, rule or row to show or to decide about; says which there are."""


class Decisions:
    """The rows of one database that were set aside.

    :param suites: the rules of its raw layer.
    """

    def __init__(self, store: OpsStore, database: Database, suites: Suites) -> None:
        self.store = store
        self.database = database
        self.suites = suites
        self._quarantine = naming.quarantine_dataset(database.name)

    def listed(self) -> list[Row]:
        """Rows by day, table and rule, the newest day first; a row that breaks two rules counts in both."""
        rows: list[Row] = []
        for table in self._tables():
            sql = render_sql("quarantine/listed", database=self.database.name, quarantine=self._quarantine, table=table)
            rows += [dict(row) for row in execute(self.store.client, sql)]
        return sorted(rows, key=lambda row: (-row["dump_date"].toordinal(), row["table_name"], row["rule"]))

    def shown(self, table: str, day: date | None = None, *, content: bool = False) -> list[Row]:
        """The keys of a day's rows with a rule each and what was decided; by default of the newest day.

        With `content` the columns that are copied from the source, too: personal ones in clear are not among them.
        """
        if table not in self._tables():
            known = ", ".join(self._tables()) or "none"
            raise UnknownRowsError(f"nothing of {self.database.name}.{table} was ever set aside; tables: {known}")
        # The log of decisions is read beside the rows, and may not be there yet.
        self.store.create_tables()
        # What the contract has gained since is not there yet.
        there = table_columns(self.store.client, self._quarantine)[table] if content else {}
        described = self.database.contract.tables[table].columns
        columns = [
            name
            for name, said in described.items()
            if name in there and said.is_selected and said.personal is not Personal.tag
        ]
        pieces = {
            "row_key": self._key(table),
            "more": ", ".join(["aside._run_id as run_id", *(f"aside.{quoted(column)}" for column in columns)]),
        }
        sql = compose_sql("quarantine/shown", pieces, {"quarantine": self._quarantine, "table": table})
        found = execute(self.store.client, sql, database=self.database.name, day=day.isoformat() if day else "")
        return [dict(row) for row in found]

    def decide(
        self,
        decision: Decision,
        table: str,
        rule: str,
        *,
        keys: Sequence[str],
        why: str,
        by: str,
        day: date | None = None,
    ) -> int:
        """Append a decision about rows that break a rule; the number of rows.

        :param keys: see `parse_key`; none of them: every row that was set aside by the rule on the newest day, or on
            `day`. A key may also be that of a row which is in raw, such as one that a failed run has named.
        Raises UnknownRowsError, with nothing decided, for a table, rule or key that there is not.
        """
        self._known_rule(table, rule)
        wanted = [parse_key(key, self.suites.tables[table].key, self.database.contract.tables[table]) for key in keys]
        if wanted:
            found = self._there(table, wanted)
            if missing := [key for key in wanted if key not in found]:
                raise UnknownRowsError(
                    f"{self.database.name}.{table} has no row with the key {', '.join(missing)}, neither in raw nor in "
                    f"quarantine; `tributary quarantine show {self.database.name} {table}` lists keys"
                )
        else:
            wanted = [row["row_key"] for row in self.shown(table, day) if row["rule"] == rule]
            if not wanted:
                raise UnknownRowsError(f"no row of {self.database.name}.{table} was set aside by {rule} on that day")
        record = {"database": self.database.name, "table_name": table, "rule": rule, "decision": decision}
        rows = [{**record, "row_key": key, "decided_by": by, "why": why} for key in dict.fromkeys(wanted)]
        for first in range(0, len(rows), _DECIDED_AT_ONCE):
            self.store.append("quarantine_decisions", rows[first : first + _DECIDED_AT_ONCE])
        return len(rows)

    def _tables(self) -> list[str]:
        there = quarantined_tables(self.store.client, self.database.name)
        return [table for table in there if table in self.suites.tables]

    def _known_rule(self, table: str, rule: str) -> None:
        if table not in self.suites.tables:
            raise UnknownRowsError(
                f"found the table {table!r}, expected one of {self.database.name}: {', '.join(self.suites.tables)}"
            )
        rules = [it.name for it in self.suites.tables[table].expectations]
        if rule not in rules:
            raise UnknownRowsError(f"found the rule {rule!r}, expected one of {table}: {', '.join(rules)}")

    def _there(self, table: str, keys: Iterable[str]) -> set[str]:
        datasets = [naming.raw_dataset(self.database.name)]
        if table in self._tables():
            datasets.append(self._quarantine)
        found: set[str] = set()
        for dataset in datasets:
            pieces = {"row_key": self._key(table)}
            sql = compose_sql("quarantine/keys", pieces, {"dataset": dataset, "table": table})
            found |= {row["row_key"] for row in execute(self.store.client, sql, keys=json.dumps(list(keys)))}
        return found

    def _key(self, table: str) -> str:
        return key_text(self.suites.tables[table].key)


def parse_key(text: str, key: Sequence[str], table: Table) -> str:
    """A row's key as people write it, in the form that BigQuery gives: compact JSON in the order of the key.

    Takes `{"order_id": 7, "line": 1}`, as `show` prints it, and `order_id=7, line=1`, as a failed check
    names it; for a key of one column its value alone, too. Raises UnknownRowsError for other columns.
    """
    expected = ", ".join(f"{column}=..." for column in key)
    values: dict[str, Any]
    if text.lstrip().startswith("{"):
        try:
            values = json.loads(text)
        except ValueError:
            raise UnknownRowsError(f"found the key {text!r}, expected {expected} or JSON") from None
    elif "=" not in text and len(key) == 1:
        values = {key[0]: _value(text.strip(), key[0], table)}
    else:
        pairs = [part.strip().partition("=") for part in text.split(",")]
        values = {column: _value(value, column, table) for column, _, value in pairs}
    if set(values) != set(key):
        raise UnknownRowsError(f"found the key {text!r}, expected {expected} or JSON")
    return json.dumps({column: values[column] for column in key}, separators=(",", ":"), ensure_ascii=False)


def _value(text: str, column: str, table: Table) -> Any:
    """The value as BigQuery writes the column's type in JSON: a number, or a text."""
    types = bigquery_types(table.columns[column].copied_type) if column in table.columns else frozenset()
    if types == {"DATETIME"}:
        return text.replace(" ", "T", 1)
    if "INT64" not in types or not types <= {"INT64", "NUMERIC", "BIGNUMERIC"}:
        return text
    try:
        number = int(text)
    except ValueError:
        raise UnknownRowsError(f"found {column}={text}, expected a whole number") from None
    return number if abs(number) <= _LARGEST_NUMBER else str(number)
