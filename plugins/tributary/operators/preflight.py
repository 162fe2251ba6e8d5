"""Reads a dump as a stream before anything imports it."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary.dates import DUMP_DATE, parse_day
from tributary.dumps import open_dump, preflight, strip_own_database
from tributary.hooks.clients import ops_store
from tributary.registry import Database
from tributary.settings import GOOGLE_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud.storage import Blob

# Copies without the database's own CREATE DATABASE and USE lie below this prefix of the bucket.
CLEANED = "_cleaned"


class PreflightOperator(BaseOperator):
    """Refuses a dump that is cut, of another database, or that would do more than fill its own.

    Returns `uri` (what to import), `tables` (rows by table, counted from the INSERTs) and
    `sql_bytes`. A dump that may name its own database is imported from a copy without those
    statements, because a `USE` overrides the database that an import asks for.
    """

    template_fields: Sequence[str] = ("dump_date",)
    ui_color = "#e8f0d8"

    def __init__(self, *, database: Database, dump: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.dump = dump
        self.dump_date = DUMP_DATE

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        dump, contract = self.dump.resolve(context), self.database.contract
        bucket = GCSHook(gcp_conn_id=GOOGLE_CONNECTION).get_conn().bucket(dump["bucket"])
        blob = bucket.blob(dump["name"], generation=dump["generation"] or None)
        with blob.open("rb") as stream:
            report = preflight(
                stream,
                database=self.database.name,
                source_name=contract.source_name,
                expected_tables=tuple(contract.tables),
                allow_own_database=contract.own_database_statements,
                require_completion=contract.completion_line,
            )
        self.log.info("%s", report.to_text())
        report.raise_if_refused()
        tables = {table: rows for table, rows in report.tables.items() if table in contract.tables}
        ops_store().record_counts(
            "dump",
            tables,
            database=self.database.name,
            dump_date=parse_day(self.dump_date),
            run_id=context["run_id"],
        )
        uri = dump["uri"]
        if contract.own_database_statements:
            target = bucket.blob(f"{CLEANED}/{self.database.name}/{self.dump_date}/{dump['generation']}.sql.gz")
            _copy_cleaned(blob, target, {self.database.name, contract.source_name or self.database.name})
            uri = f"gs://{dump['bucket']}/{target.name}"
        return {"uri": uri, "tables": tables, "sql_bytes": report.sql_bytes}


def _copy_cleaned(source: Blob, target: Blob, own_names: Collection[str]) -> None:
    """Copy a dump without the statements that create, drop or use its own database; streams."""
    with source.open("rb") as stream, target.open("wb") as out, gzip.open(out, "wb", compresslevel=1) as packed:
        for chunk in strip_own_database(open_dump(stream), own_names):
            packed.write(chunk)
