"""Writing to and reading from the dataset `ops`.

The tables are append-only logs: a retry appends again, and readers take the newest record of a
key. So no two writers ever wait for each other, however many databases load at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.sqlfiles import read_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# In the order in which they can be made: `dead_letters` is a view of the log before it.
TABLES = ("runs", "ledger", "quality_results", "dead_letters_log", "dead_letters")

Row = dict[str, Any]


class OpsStore:
    """The dataset `ops` through one BigQuery client."""

    def __init__(self, client: Client, location: str) -> None:
        self.client = client
        self._location = location

    def append(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to `ops.<table>`; the dataset and its tables are made at first use.

        The keys of a row are the columns of the table but `recorded_at`, which BigQuery's clock sets.
        """
        from google.api_core.exceptions import NotFound

        document = json.dumps(list(rows), default=str)
        if document == "[]":
            return
        try:
            self._execute(read_sql(f"ops/{table}__insert"), rows=document)
        except NotFound:
            self.create_tables()
            self._execute(read_sql(f"ops/{table}__insert"), rows=document)

    def record_state(
        self, state: str, *, database: str, dump_date: date, run_id: str, dump_uri: str, dump_generation: int, rows: int
    ) -> None:
        """Append what a database's run has come to: `transforming` or `landed`."""
        self.append(
            "runs",
            [
                {
                    "database": database,
                    "dump_date": dump_date.isoformat(),
                    "run_id": run_id,
                    "state": state,
                    "dump_uri": dump_uri,
                    "dump_generation": dump_generation,
                    "row_count": rows,
                }
            ],
        )

    def record_counts(
        self, stage: str, counts: Mapping[str, int], *, database: str, dump_date: date, run_id: str
    ) -> None:
        """Append the rows per table of one stage (`dump`, `staging`, `raw`, `marts`, `consolidated`)."""
        self.append(
            "ledger",
            [
                {
                    "database": database,
                    "dump_date": dump_date.isoformat(),
                    "stage": stage,
                    "table_name": table,
                    "row_count": rows,
                    "run_id": run_id,
                }
                for table, rows in counts.items()
            ],
        )

    def previous_counts(self, stage: str, database: str, before: date) -> dict[str, int]:
        """Rows per table of the newest landed dump before a day; empty where there is none."""
        rows = self.query("ops/previous_counts", database=database, stage=stage, before=before.isoformat())
        return {row["table_name"]: row["row_count"] for row in rows}

    def landed(self, day: date) -> dict[str, Row]:
        """By database, its newest landed run for a dump of that day or earlier.

        A row has `dump_date`, `run_id`, `dump_uri`, `dump_generation`, `row_count` and `landed_at`. A day whose newest
        record is not `landed` (its marts are being rebuilt, or failed while they were) does not count.
        """
        return {row["database"]: row for row in self.query("ops/landed", day=day.isoformat())}

    def query(self, sql_name: str, **parameters: str) -> list[Row]:
        """Run `include/sql/<sql_name>.sql`; empty where the tables do not exist yet."""
        from google.api_core.exceptions import NotFound

        try:
            return [dict(row) for row in self._execute(read_sql(sql_name), **parameters)]
        except NotFound:
            return []

    def create_tables(self) -> None:
        """Make the dataset and its tables where they are missing."""
        ensure_dataset(self.client, naming.OPS, self._location)
        for table in TABLES:
            self._execute(read_sql(f"ops/{table}"))

    def _execute(self, sql: str, **parameters: str) -> Any:
        return execute(self.client, sql, **parameters)


def execute(client: Client, sql: str, **parameters: str) -> Any:
    """Run one statement with named STRING parameters and wait for its rows."""
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    config = QueryJobConfig(
        query_parameters=[ScalarQueryParameter(name, "STRING", value) for name, value in parameters.items()]
    )
    return client.query(sql, job_config=config).result()


def ensure_dataset(client: Client, name: str, location: str) -> None:
    """Make a dataset where it is missing."""
    from google.cloud.bigquery import Dataset

    dataset = Dataset(f"{client.project}.{name}")
    dataset.location = location
    client.create_dataset(dataset, exists_ok=True)
