"""Holds a layer against its rules with Great Expectations, and says where a database's run stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary import naming
from tributary.consolidation import Plan
from tributary.contracts import Contract
from tributary.dates import DUMP_DATE, parse_day
from tributary.dead_letters.closing import close_for_run
from tributary.drift.of_run import database_of_run, decided, unfit_rules
from tributary.errors import TributaryError
from tributary.forgetting.imports import require_none_since
from tributary.hooks.clients import bigquery_client
from tributary.ledger.compare import check_same_rows
from tributary.ledger.reading import partition_contents, rows_as_of
from tributary.ledger.store import OpsStore
from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.results import CheckpointFailed, CheckpointResult
from tributary.quality.rules import Layer
from tributary.quality.suites import suites_for
from tributary.quarantine.flow import Quarantine
from tributary.raw import require_load
from tributary.registry import Database, Registry
from tributary.settings import Settings
from tributary.telemetry import senders
from tributary.versions import Base

if TYPE_CHECKING:
    from airflow.sdk import Context

# Rows set aside by table: the ledger's stage, and the XCom that tells the marts' checks.
QUARANTINE_STAGE = "quarantine"
QUARANTINED = "quarantined"


class _ValidateOperator(BaseOperator):
    """What the three checkpoints share: running one, keeping its results, failing on them."""

    template_fields: Sequence[str] = ("day",)
    ui_color = "#fdebd0"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.day = DUMP_DATE

    def check(
        self,
        store: OpsStore,
        context: Context,
        *,
        contract: Contract,
        layer: Layer,
        dataset: str,
        database: str,
        partition: date | None = None,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        unchanged: Base | None = None,
    ) -> CheckpointResult:
        """Run a checkpoint and append its results to `ops.quality_results`, then fail if it failed: see `require`."""
        result = run_checkpoint(
            client=store.client,
            suites=suites_for(contract, layer),
            dataset=dataset,
            partition=partition,
            parameters=parameters,
            unchanged=unchanged,
        )
        self.keep(store, context, result, database, contract.app)
        require(result)
        return result

    def keep(self, store: OpsStore, context: Context, result: CheckpointResult, database: str, app: str) -> None:
        """Append a checkpoint's results to `ops.quality_results`, and send them as metrics."""
        store.append(
            "quality_results",
            result.to_rows(run_id=context["run_id"], database=database, date=parse_day(self.day)),
        )
        senders.checked(result, database=database, app=app)
        self.log.info("%s: %d rules hold, %d skipped", result.dataset, len(result.passed), len(result.skipped))


class ValidateRawOperator(_ValidateOperator):
    """Checks `raw__<db>`, if it holds this run's dump; then the run is `transforming`: its old marts no longer count.

    Row counts are compared with the last landed dump's, unless the run was started with `force`.
    Rows that break rules are set aside where the registry allows it; how many by table is in the
    XCom `quarantined`. Returns the number of rules that held.
    """

    def __init__(self, *, database: Database, preflight: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.preflight = preflight

    def execute(self, context: Context) -> int:
        name, day = self.database.name, parse_day(self.day)
        store = OpsStore(bigquery_client(), Settings.from_environment().location)
        own_load = partial(require_load, store.client, name, day=day, run_id=context["run_id"])
        own_load()
        decisions = decided(self.preflight, context)
        contract = database_of_run(self.database, decisions).contract
        suites = suites_for(contract, "raw").merged(unfit_rules(decisions))
        quarantine = Quarantine(store, self.database, suites, day)
        # Raw is whole again: what the ledger says of an earlier try or run of the day no longer holds.
        self._count(store, context, dict.fromkeys(quarantine.restore(), 0))
        previous = {} if context["params"]["force"] else store.previous_counts("raw", name, day)
        check = partial(
            run_checkpoint,
            client=store.client,
            dataset=naming.raw_dataset(name),
            parameters={table: {"previous_rows": rows} for table, rows in previous.items()},
        )
        result = check(suites=suites)
        self.keep(store, context, result, name, self.database.app)
        aside: dict[str, int] = {}
        if quarantine.may_help(result):
            result, aside = quarantine.set_aside(result, lambda suites: check(suites=suites))
            self.keep(store, context, result, name, self.database.app)
            self._count(store, context, aside)
            context["ti"].xcom_push(key=QUARANTINED, value=aside)
            self.log.warning("%s: rows set aside: %s", naming.quarantine_dataset(name), aside or "none")
        require(result)
        quarantine.confirm(aside)
        # Another run may have begun to sync while the rules were checked: what they saw is then nobody's dump.
        own_load()
        if self.database.contract.raw_only:
            record_landed(store, context, name, day)
        else:
            record_state(store, context, "transforming", name, day)
        return len(result.passed)

    def _count(self, store: OpsStore, context: Context, aside: Mapping[str, int]) -> None:
        store.record_counts(
            QUARANTINE_STAGE,
            aside,
            database=self.database.name,
            dump_date=parse_day(self.day),
            run_id=context["run_id"],
            app=self.database.app,
        )


class ValidateMartsOperator(_ValidateOperator):
    """Checks the marts' partition of the day, and that they and histories have raw's rows; then the run has landed."""

    def __init__(self, *, database: Database, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database

    def execute(self, context: Context) -> int:
        name, day, contract = self.database.name, parse_day(self.day), self.database.contract
        store = OpsStore(bigquery_client(), Settings.from_environment().location)
        _require_none_since(store, context, name)
        # Where dbt has built a landed day anew, and 'validate_raw' was not asked again: its old marts have gone.
        record_state(store, context, "transforming", name, day)
        marts = partition_contents(store.client, naming.dataset(name), contract.mart_names, self.day)
        store.record_contents("marts", marts, database=name, dump_date=day, run_id=context["run_id"], app=contract.app)
        # Proves, too, that dbt built every one of them in this run: a green task alone does not.
        raw = context["ti"].xcom_pull(task_ids="reconcile")
        aside = context["ti"].xcom_pull(task_ids="validate_raw", key=QUARANTINED) or {}
        expected = {table: rows - aside.get(table, 0) for table, rows in raw.items()}
        histories = contract.histories
        check_same_rows(
            expected | {history: expected[table] for table, history in histories.items() if table in expected},
            {table: marts[table].rows for table in contract.tables}
            | rows_as_of(store.client, naming.dataset(name), histories.values(), self.day),
            expected_in=naming.raw_dataset(name),
            found_in=f"the marts of {name} for {day}",
            advice="Clear transform and what follows; dbt's log is in the task transform.dbt_producer_watcher.",
        )
        result = self.check(
            store, context, contract=contract, layer="marts", dataset=naming.dataset(name), database=name, partition=day
        )
        record_landed(store, context, name, day)
        return len(result.passed)


class ValidateAuditOperator(_ValidateOperator):
    """Checks `consolidated__audit`, app by app, before anything is published: what the run has built anew."""

    def __init__(self, *, registry: Registry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.apps = registry.apps
        self.contracts = {app: registry.contracts[app] for app in registry.apps}

    def execute(self, context: Context) -> int:
        store = OpsStore(bigquery_client(), Settings.from_environment().location)
        plan = Plan.read(context["ti"].xcom_pull(task_ids="await_databases"))
        tables = {app: contract.mart_names for app, contract in self.contracts.items()}
        base = plan.base_of(self.apps, tables, plan.older(store, context["run_id"]))
        held = 0
        for app, contract in self.contracts.items():
            expected = [database for database in self.apps[app] if database in plan.changed]
            result = self.check(
                store,
                context,
                contract=contract,
                layer="consolidated",
                dataset=naming.CONSOLIDATED_AUDIT,
                database=naming.CONSOLIDATED,
                parameters={mart: {"databases": expected} for mart in contract.mart_names},
                unchanged=base,
            )
            held += len(result.passed)
        return held


def require(result: CheckpointResult) -> None:
    """Return where every rule holds.

    Raises CheckpointFailed where rules are broken; TributaryError, which is tried again, where
    some could not be checked.
    """
    if result.failed:
        raise CheckpointFailed(result)
    if not result.success:
        raise TributaryError(result.failure_message())


def record_landed(store: OpsStore, context: Context, database: str, day: date) -> None:
    """Append that a database's day is loaded; what had failed on the way there needs nobody any more.

    Raises ForgottenMeanwhileError where somebody asked to be forgotten since the dump was imported.
    """
    _require_none_since(store, context, database)
    record_state(store, context, "landed", database, day)
    close_for_run(context["ti"].dag_id, context["run_id"], database, day)


def _require_none_since(store: OpsStore, context: Context, database: str) -> None:
    require_none_since(store, database, context["ti"].xcom_pull(task_ids="import_dump"))


def record_state(store: OpsStore, context: Context, state: str, database: str, day: date) -> None:
    """Append where a database's run stands, with the dump that it loads."""
    dump = context["ti"].xcom_pull(task_ids="find_dump")
    rows = sum(context["ti"].xcom_pull(task_ids="reconcile").values())
    store.record_state(
        state,
        database=database,
        dump_date=day,
        run_id=context["run_id"],
        dump_uri=dump["uri"],
        dump_generation=int(dump["generation"]),
        rows=rows,
    )
