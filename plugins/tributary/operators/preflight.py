"""Reads a dump as a stream before anything imports it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary.dates import DUMP_DATE, parse_day
from tributary.drift.decisions import decisions_about, require_no_stop
from tributary.drift.of_run import CHANGES
from tributary.dump_check import preflight_by
from tributary.dumps import Changes, DumpReport, needs_copy, open_dump, rewrite
from tributary.hooks.clients import ops_store
from tributary.ledger.guards import check_guards
from tributary.registry import Database
from tributary.settings import GOOGLE_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Context
    from google.cloud.storage import Blob

# Copies that an import can read, with the changes that the contract asks for, lie below this prefix of the bucket.
CLEANED = "_cleaned"

# How old the dump of a day may be by its own words: a night's dump may end before midnight, or in another time zone.
OLDEST = timedelta(days=1)

# A contract may describe three of five thousand tables; nobody reads what is told of the others every night.
MOST_RECORDED = 500


class PreflightOperator(BaseOperator):
    """Refuses a dump that is cut, old, of another database, or that would do more than fill its own.

    And one whose tables shrank or grew beyond their guards since the last landed dump, unless the run
    was started with `force`. What was found out goes to `ops.dumps` and `ops.ledger`.

    Where its tables are not those of the contract, the contract's modes say what becomes of it (docs/drift.md);
    every change goes to `ops.schema_changes`.

    Returns `uri` (what to import), `tables` (rows by table, counted from the INSERTs), `sql_bytes`, and `changes`
    (what the steps behind it are to make of each). A dump that may name its own database is imported from a copy
    without those statements, because a `USE` overrides the database that an import asks for. So is one that the
    contract wants to be changed otherwise, and one that Cloud SQL would misread: compressed with something other than
    gzip, with a name whose ending contradicts its content, or with a command of MariaDB's client.
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
        day, force = parse_day(self.dump_date), context["params"]["force"]
        with blob.open("rb") as stream:
            not_before = None if force else day - OLDEST
            report = preflight_by(contract, stream, self.database.name, not_before=not_before, describe=True)
        self.log.info("%s", report.to_text())
        store = ops_store()
        record: dict[str, Any] = {
            "database": self.database.name,
            "dump_date": day,
            "run_id": context["run_id"],
            "app": contract.app,
        }
        store.record_dump(report, dump_uri=dump["uri"], dump_generation=int(dump["generation"] or 0), **record)
        report.raise_if_refused()
        decisions = decisions_about(contract, report)
        store.record_changes(decisions[:MOST_RECORDED], **record)
        for decision in decisions[:MOST_RECORDED]:
            self.log.warning("%s: %s", decision.outcome, decision)
        if len(decisions) > MOST_RECORDED:
            self.log.warning(
                "and %d more changes; name tables that are not wanted in left_out", len(decisions) - MOST_RECORDED
            )
        require_no_stop(decisions, self.database.name, contract.app)
        tables = {table: rows for table, rows in report.tables.items() if table in contract.tables}
        store.record_counts("dump", tables, **record)
        if not force:
            check_guards(
                store.previous_counts("dump", self.database.name, day),
                tables,
                {table: self.database.guards_of(table) for table in tables},
                database=self.database.name,
                day=self.dump_date,
            )
        uri = dump["uri"]
        changes = _changes(self.database, report)
        if changes or needs_copy(dump["name"], report.compression):
            target = bucket.blob(f"{CLEANED}/{self.database.name}/{self.dump_date}/{dump['generation']}.sql.gz")
            _copy_cleaned(blob, target, changes)
            uri = f"gs://{dump['bucket']}/{target.name}"
        of_run = [decision.to_dict() for decision in decisions if decision.changes_run]
        return {"uri": uri, "tables": tables, "sql_bytes": report.sql_bytes, CHANGES: of_run}


def _changes(database: Database, report: DumpReport) -> Changes:
    contract = database.contract
    own_names = {database.name, contract.source_name or database.name}
    return Changes(
        own_database=own_names if contract.own_database_statements else (),
        drop_definers=contract.drop_definers,
        collation=contract.collation,
        sandbox_line=report.has_sandbox_line,
    )


def _copy_cleaned(source: Blob, target: Blob, changes: Changes) -> None:
    """Copy a dump as gzip, with the changes; streams."""
    with source.open("rb") as stream, target.open("wb") as out, gzip.open(out, "wb", compresslevel=1) as packed:
        for chunk in rewrite(open_dump(stream), changes) if changes else open_dump(stream):
            packed.write(chunk)
