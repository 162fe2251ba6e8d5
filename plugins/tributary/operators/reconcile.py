"""Compares what arrived with what was sent, table by table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary import naming
from tributary.contracts import Contract
from tributary.dates import DUMP_DATE, parse_day
from tributary.drift.of_run import database_of_run, decided
from tributary.forgetting.imports import STAGE
from tributary.forgetting.staging import by_table, counted
from tributary.hooks.clients import bigquery_client, staging_server
from tributary.ledger.checksums import Column, bigquery_query, contents_of, mysql_query, shared_columns
from tributary.ledger.compare import check_same_content, check_same_rows
from tributary.ledger.reading import changed_values, table_columns
from tributary.ledger.store import OpsStore, execute
from tributary.privacy.concealing import Concealment
from tributary.privacy.key import hash_key
from tributary.quarantine.moving import restore
from tributary.registry import Database
from tributary.settings import Settings
from tributary.staging import read_marker, require_own

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReconcileOperator(BaseOperator):
    """Rows in the dump = in the staging database = in raw, the latter two with the same content, or it fails for good.

    Rows that were left out as somebody is to be forgotten count with those of the staging database. Each stage is read
    with one query, and what it holds goes to `ops.ledger`; what the loader could not write as it is, to
    `ops.changed_values`. Returns the rows by table.
    """

    template_fields: Sequence[str] = ("dump_date",)
    ui_color = "#d8e8f0"

    def __init__(self, *, database: Database, preflight: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.preflight = preflight
        self.dump_date = DUMP_DATE

    def execute(self, context: Context) -> dict[str, int]:
        name = self.database.name
        staging, raw_dataset = naming.staging_database(name), naming.raw_dataset(name)
        mysql = staging_server(self.database.cloud_sql_instance)
        require_own(read_marker(mysql, staging), database=name, run_id=context["run_id"])
        client = bigquery_client()
        # Where this task is cleared after validate_raw has set rows aside, raw is counted whole as before.
        restore(client, name, parse_day(self.dump_date), tuple(self.database.contract.tables))
        contract = database_of_run(self.database, decided(self.preflight, context)).contract
        types = table_columns(client, raw_dataset)
        columns = self._columns(contract, types)
        in_dump: dict[str, int] = self.preflight.resolve(context)["tables"]
        # The last that reads the staging database. Where this task is cleared, personal columns are made anew.
        with Concealment(mysql, staging, contract.tables, hash_key(contract)).for_reading():
            staged = contents_of(mysql.get_records(mysql_query(staging, columns)), columns)
        raw = contents_of(execute(client, bigquery_query(raw_dataset, columns)), columns)

        store = OpsStore(client, Settings.from_environment().location)
        of_run: dict[str, Any] = {
            "database": name,
            "dump_date": parse_day(self.dump_date),
            "run_id": context["run_id"],
            "app": self.database.app,
        }
        for stage, contents in (("staging", staged), ("raw", raw)):
            store.record_contents(stage, contents, **of_run)
        forgotten = by_table(counted(mysql, staging))
        if forgotten:
            store.record_counts(STAGE, forgotten, **of_run)
        compared = {name: types.get(name, {}) for name in columns}
        self._record_changed(store, context, changed_values(client, raw_dataset, compared))
        # A table without an INSERT is empty: the dump's report leaves such tables at zero.
        check_same_rows(
            {table: in_dump.get(table, 0) for table in columns},
            {table: content.rows + forgotten.get(table, 0) for table, content in staged.items()},
            expected_in="the dump",
            found_in="the staging database" + (", with those that were left out" if forgotten else ""),
            advice="The import lost or added rows; clear import_dump and what follows.",
        )
        check_same_content(
            staged,
            raw,
            expected_in="the staging database",
            found_in=raw_dataset,
            advice="Airbyte's log of the sync says what it moved; clear sync and what follows.",
        )
        return {table: content.rows for table, content in raw.items()}

    def _record_changed(self, store: OpsStore, context: Context, found: Iterable[Mapping[str, Any]]) -> None:
        """Count what the loader could not write as it is: docs/types.md says which values those are."""
        of_run = {"database": self.database.name, "dump_date": self.dump_date, "run_id": context["run_id"]}
        rows = [{**of_run, **row} for row in found]
        store.append_all("changed_values", rows)
        for row in rows:
            self.log.warning("%(table_name)s.%(column_name)s: %(value_count)s values %(change)s: %(reason)s", row)

    def _columns(self, contract: Contract, types: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[Column, ...]]:
        """The columns to compare of every table; logs those that cannot be, of those that were copied."""
        columns = {}
        for name, table in contract.tables.items():
            copied = {column: table.columns[column].copied_type for column in table.selected_columns}
            columns[name] = shared_columns(copied, types.get(name, {}))
            left_out = sorted(set(copied) - {column.name for column in columns[name]})
            if left_out:
                self.log.info("%s: the checksum leaves out %s", name, ", ".join(left_out))
        return columns
