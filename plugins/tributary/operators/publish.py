"""Publishes what was audited in `consolidated`, all tables in one step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary import editions
from tributary.consolidation import Plan
from tributary.dates import parse_day
from tributary.dead_letters.closing import close_for_run
from tributary.hooks.clients import bigquery_client, bigquery_project
from tributary.ledger.store import OpsStore
from tributary.publishing import publish
from tributary.registry import Registry
from tributary.settings import Settings
from tributary.telemetry import senders
from tributary.telemetry.lineage import Written, consolidated_columns, published
from tributary.telemetry.lineage_events import LineageMixin
from tributary.versions import DATABASES

if TYPE_CHECKING:
    from airflow.sdk import Context


class PublishOperator(LineageMixin, BaseOperator):
    """Replaces what has changed in `consolidated` by what was audited, in one transaction; readers see old or new.

    Before it, the rows of each database and table that was built anew, and their content, are compared with its
    marts', and all tables are kept as a version that `tributary rollback` can go back to. Refuses while publishing is
    on hold, and where the registry or the models have changed since the run was planned.
    Returns the rows by database, of those that were built anew.
    """

    ui_color = "#d8f0d8"

    def __init__(self, *, registry: Registry, plan: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.apps = registry.apps
        self.tables = {app: contract.mart_names for app, contract in registry.contracts.items() if app in registry.apps}
        self.keep = registry.consolidation.keep_versions
        self.plan = plan

    def execute(self, context: Context) -> dict[str, int]:
        from tributary.dbt_artifacts import MANIFEST

        plan = Plan.read(self.plan.resolve(context))
        plan.refuse_redefined(self.apps, editions.definitions(json.loads(MANIFEST.read_text())))
        client, location = bigquery_client(), Settings.from_environment().location
        contents = publish(
            client,
            location,
            run_id=context["run_id"],
            apps=self.apps,
            tables=self.tables,
            plan=plan,
            keep=self.keep,
        )
        store = OpsStore(client, location)
        app_of = {database: app for app, databases in self.apps.items() for database in databases}
        # Together: a statement for each of a thousand databases would take longer than the task may.
        days = {database: parse_day(plan.as_of[database]) for database in contents}
        store.record_databases("consolidated", contents, days=days, run_id=context["run_id"])
        for database, by_table in contents.items():
            senders.counted("consolidated", by_table, database=database, app=app_of[database])
        rows = {database: sum(content.rows for content in by_table.values()) for database, by_table in contents.items()}
        self.log.info("Published: %s", json.dumps(rows))
        close_for_run(context["ti"].dag_id, context["run_id"], None, parse_day(plan.day))
        return rows

    def lineage(self, context: Context) -> list[Written]:
        from tributary.dbt_artifacts import MANIFEST

        columns = consolidated_columns(json.loads(MANIFEST.read_text()))
        tables = {table: columns.get(table, {}) for app in self.apps for table in self.tables[app]}
        unchanged = Plan.read(self.plan.resolve(context)).staying
        staying = {
            table: [database for database in databases if database in unchanged]
            for app, databases in self.apps.items()
            for table in self.tables[app]
        }
        return published(bigquery_project(), tables, DATABASES, staying)
