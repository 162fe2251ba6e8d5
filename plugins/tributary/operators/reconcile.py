"""Compares what arrived with what was sent, table by table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary import naming
from tributary.dates import DUMP_DATE, parse_day
from tributary.hooks.clients import bigquery_client
from tributary.ledger.compare import check_same_rows
from tributary.ledger.counting import count_query
from tributary.ledger.store import OpsStore, execute
from tributary.registry import Database
from tributary.settings import Settings, mysql_connection
from tributary.staging import read_marker, require_own

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReconcileOperator(BaseOperator):
    """Rows in the dump = rows in the staging database = rows in raw, or the task fails for good.

    Each stage is counted with one query, and its counts go to `ops.ledger`. Returns the rows by table.
    """

    template_fields: Sequence[str] = ("dump_date",)
    ui_color = "#d8e8f0"

    def __init__(self, *, database: Database, preflight: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.preflight = preflight
        self.dump_date = DUMP_DATE

    def execute(self, context: Context) -> dict[str, int]:
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        name, tables = self.database.name, tuple(self.database.contract.tables)
        mysql = MySqlHook(mysql_conn_id=mysql_connection(self.database.cloud_sql_instance))
        require_own(read_marker(mysql, naming.staging_database(name)), database=name, run_id=context["run_id"])
        client = bigquery_client()
        in_dump: dict[str, int] = self.preflight.resolve(context)["tables"]
        staged = dict(mysql.get_records(count_query(naming.staging_database(name), tables)))
        raw = {row[0]: row[1] for row in execute(client, count_query(naming.raw_dataset(name), tables))}

        store = OpsStore(client, Settings.from_environment().location)
        for stage, counts in (("staging", staged), ("raw", raw)):
            store.record_counts(
                stage, counts, database=name, dump_date=parse_day(self.dump_date), run_id=context["run_id"]
            )
        # A table without an INSERT is empty: the dump's report leaves such tables at zero.
        check_same_rows(
            {table: in_dump.get(table, 0) for table in tables},
            staged,
            expected_in="the dump",
            found_in="the staging database",
            advice="The import lost or added rows; clear import_dump and what follows.",
        )
        check_same_rows(
            staged,
            raw,
            expected_in="the staging database",
            found_in=naming.raw_dataset(name),
            advice="Airbyte's log of the sync says what it moved; clear sync and what follows.",
        )
        return raw
