"""Writing to and reading from the dataset `ops`.

The tables are append-only logs: a retry appends again, and readers take the newest record of a
key. So no two writers ever wait for each other, however many databases load at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.hooks.patience import ANSWER_SECONDS, is_patient
from tributary.ledger.checksums import Content
from tributary.sqlfiles import read_sql
from tributary.telemetry import senders

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from tributary.drift.decisions import Decision
    from tributary.dumps import DumpReport

# In the order in which they can be made: `<name>` is a view of the `<name>_log` before it, `landings` one of `runs`.
TABLES = (
    "runs",
    "landings",
    "quality_results",
    "ledger_log",
    "ledger",
    "changed_values",
    "dumps_log",
    "dumps",
    "schema_changes",
    "dead_letters_log",
    "dead_letters",
    "published",
    "holds",
    "quarantine_decisions",
    "forgotten",
    "forget_receipts",
    "task_durations_log",
    "task_durations",
    "costs_log",
    "costs",
    "alerts",
)

Row = dict[str, Any]

_APPENDED_AT_ONCE = 500


class OpsStore:
    """The dataset `ops` through one BigQuery client."""

    def __init__(self, client: Client, location: str) -> None:
        self.client = client
        self.location = location

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

    def append_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append many rows, some hundreds at a time: a query's parameters have a limit of their own."""
        for first in range(0, len(rows), _APPENDED_AT_ONCE):
            self.append(table, rows[first : first + _APPENDED_AT_ONCE])

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

    def record_dump(
        self,
        report: DumpReport,
        *,
        database: str,
        dump_date: date,
        run_id: str,
        dump_uri: str,
        dump_generation: int,
        app: str | None = None,
    ) -> None:
        """Append what pre-flight found out about a dump, whether it may be imported or not.

        `app` is for the metrics that are sent of it, here and below.
        """
        self.append(
            "dumps_log",
            [
                {
                    "database": database,
                    "dump_date": dump_date.isoformat(),
                    "dump_uri": dump_uri,
                    "dump_generation": dump_generation,
                    "accepted": report.ok,
                    "sha256": report.sha256,
                    "compression": str(report.compression),
                    "stored_bytes": report.compressed_bytes,
                    "sql_bytes": report.sql_bytes,
                    "statements": report.statements,
                    "table_count": len(report.tables),
                    "row_count": report.rows,
                    "server_version": report.server_version,
                    "run_id": run_id,
                }
            ],
        )
        senders.dump_read(report, database=database, app=app)

    def record_changes(
        self, decisions: Iterable[Decision], *, database: str, dump_date: date, run_id: str, app: str
    ) -> None:
        """Append what pre-flight found that is not as in the contract, and what is done about it.

        Comes after `record_dump`: the newest changes of a dump are those since the newest record of it.
        """
        of = {"database": database, "dump_date": dump_date.isoformat(), "run_id": run_id, "app": app}
        self.append_all("schema_changes", [{**of, **decision.to_dict()} for decision in decisions])

    def record_counts(
        self,
        stage: str,
        counts: Mapping[str, int],
        *,
        database: str,
        dump_date: date,
        run_id: str,
        app: str | None = None,
    ) -> None:
        """Append the rows per table of a stage that has no checksums (`dump`, `forgotten`, `quarantine`)."""
        contents = {table: Content(rows) for table, rows in counts.items()}
        self.record_contents(stage, contents, database=database, dump_date=dump_date, run_id=run_id, app=app)

    def record_contents(
        self,
        stage: str,
        contents: Mapping[str, Content],
        *,
        database: str,
        dump_date: date,
        run_id: str,
        app: str | None = None,
    ) -> None:
        """Append rows and checksums per table of one stage (`staging`, `raw`, `marts`, `consolidated`)."""
        self.record_databases(stage, {database: contents}, days={database: dump_date}, run_id=run_id)
        senders.counted(stage, contents, database=database, app=app)

    def record_databases(
        self, stage: str, contents: Mapping[str, Mapping[str, Content]], *, days: Mapping[str, date], run_id: str
    ) -> None:
        """The same of many databases with few statements; sends no metrics. `days`: of whose dump the rows are."""
        rows = [
            {
                "database": database,
                "dump_date": days[database].isoformat(),
                "stage": stage,
                "table_name": table,
                "row_count": content.rows,
                "checksum": content.checksum,
                "run_id": run_id,
            }
            for database, by_table in contents.items()
            for table, content in by_table.items()
        ]
        self.append_all("ledger_log", rows)

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
        """Run `include/sql/<sql_name>.sql`; makes tables that are missing, so that no rows means there are none."""
        from google.api_core.exceptions import NotFound

        try:
            return [dict(row) for row in self._execute(read_sql(sql_name), **parameters)]
        except NotFound:
            self.create_tables()
            return [dict(row) for row in self._execute(read_sql(sql_name), **parameters)]

    def create_tables(self) -> None:
        """Make the dataset and its tables where they are missing."""
        ensure_dataset(self.client, naming.OPS, self.location)
        for table in TABLES:
            self._execute(read_sql(f"ops/{table}"))

    def _execute(self, sql: str, **parameters: str) -> Any:
        return execute(self.client, sql, **parameters)


def execute(client: Client, sql: str, **parameters: str) -> Any:
    """Run one statement with named STRING parameters and wait for its rows.

    Google's library repeats requests and jobs for up to ten minutes; without patience neither is repeated.
    """
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    config = QueryJobConfig(
        query_parameters=[ScalarQueryParameter(name, "STRING", value) for name, value in parameters.items()]
    )
    once: dict[str, Any] = {} if is_patient() else {"retry": None, "job_retry": None, "timeout": ANSWER_SECONDS}
    return client.query(sql, job_config=config, **once).result(**once)


def ensure_dataset(client: Client, name: str, location: str) -> None:
    """Make a dataset where it is missing."""
    from google.cloud.bigquery import Dataset

    dataset = Dataset(f"{client.project}.{name}")
    dataset.location = location
    client.create_dataset(dataset, exists_ok=True)
