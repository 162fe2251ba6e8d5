"""The DAGs: `elt__<db>`, one per database, `consolidate` and `housekeeping`. Read top to bottom."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param

from tributary import docs, naming
from tributary.dates import DUMP_DATE
from tributary.dbt import dbt_task_group
from tributary.operators.await_databases import AwaitDatabasesOperator
from tributary.operators.expire_ops import ExpireOpsOperator
from tributary.operators.find_dump import FindDumpOperator
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.publish import PublishOperator
from tributary.operators.reconcile import ReconcileOperator
from tributary.operators.record_costs import RecordCostsOperator
from tributary.operators.remove_copies import RemoveCopiesOperator
from tributary.operators.sweep import SweepOperator
from tributary.operators.sync import SyncOperator
from tributary.operators.validate import ValidateAuditOperator, ValidateMartsOperator, ValidateRawOperator
from tributary.policies import DEFAULT_ARGS, IMPORT_LIMIT, SYNC_LIMIT
from tributary.registry import Database, Registry

# How long a failure that no callback saw stays unknown at most.
SWEEP_SCHEDULE = "*/15 * * * *"
SWEEP_INTERVAL = timedelta(minutes=15)


def parameters(force: str, **more: Param) -> dict[str, Param]:
    """What people can ask of a run, and `more`; `force` says what that is good for.

    A DAG gets them when its tasks are there: each task would have a copy of its own, which Airflow makes anew for every
    class that its operator inherits from, and stores it. A run takes them from the DAG anyway. They are added to the
    DAG's own: to set these would have Airflow hold each default against its schema in every process.
    """
    date = Param(
        None,
        type=["null", "string"],
        format="date",
        title="Date",
        description="Day of the dump to load, such as 2013-01-31. Empty: the day of the run's logical date.",
    )
    return {"date": date, "force": Param(False, type="boolean", title="Force", description=force), **more}


def build_elt_dag(database: Database, registry: Registry) -> DAG:
    """The DAG that takes one database's dump of a day to checked marts in dataset `<db>`."""
    dag = DAG(
        dag_id=naming.dag_id(database.name),
        dag_display_name=f"elt: {database.name}",
        description=f"Loads the nightly dump of {database.name} into BigQuery.",
        doc_md=docs.elt(database),
        schedule=registry.defaults.schedule,
        start_date=datetime.combine(registry.defaults.start_date, time(), UTC),
        catchup=False,
        max_active_runs=1,
        default_args={**DEFAULT_ARGS, "owner": database.owner},
        tags=["elt", f"app:{database.app}", f"owner:{database.owner}"],
    )
    with dag:
        find_dump = FindDumpOperator(
            task_id="find_dump",
            database=database.name,
            dump_pattern=database.dump_pattern,
            dump_wait=database.dump_wait,
        )
        preflight = PreflightOperator(task_id="preflight", database=database, dump=find_dump.output)
        import_dump = ImportDumpOperator(
            task_id="import_dump",
            database=database.name,
            instance=database.cloud_sql_instance,
            dump=find_dump.output,
            source_uri="{{ ti.xcom_pull(task_ids='preflight')['uri'] }}",
            preflight=preflight.output,
            contract=database.contract,
            pool=naming.import_pool(database.cloud_sql_instance),
            execution_timeout=IMPORT_LIMIT,
        )
        sync = SyncOperator(task_id="sync", database=database, preflight=preflight.output, execution_timeout=SYNC_LIMIT)
        reconcile = ReconcileOperator(task_id="reconcile", database=database, preflight=preflight.output)
        validate_raw = ValidateRawOperator(task_id="validate_raw", database=database, preflight=preflight.output)
        chain: Any = find_dump >> preflight >> import_dump >> sync >> reconcile >> validate_raw

        if not database.contract.raw_only:
            transform = dbt_task_group(
                "transform",
                select=f"tag:{database.app}",
                shown=database.app,
                variables={"database": database.name, "app": database.app},
                env={"TRIBUTARY_DBT_DATASET": naming.dataset(database.name), "TRIBUTARY_DUMP_DATE": DUMP_DATE},
            )
            validate_marts = ValidateMartsOperator(
                task_id=naming.LANDING, database=database, outlets=[database_asset(database.name)]
            )
            chain >> transform >> validate_marts
    dag.params.update(
        parameters("Load the dump although it is old, or its tables changed more than their guards allow.")
    )
    return dag


def build_consolidate_dag(registry: Registry) -> DAG:
    """The DAG that publishes all databases together as one dataset."""
    dag = DAG(
        dag_id=naming.CONSOLIDATE_DAG,
        description="Publishes all databases together as the dataset `consolidated`.",
        doc_md=docs.consolidate(registry),
        schedule=registry.defaults.schedule,
        start_date=datetime.combine(registry.defaults.start_date, time(), UTC),
        catchup=False,
        max_active_runs=1,
        default_args={**DEFAULT_ARGS, "owner": registry.defaults.owner},
        tags=["consolidate", f"owner:{registry.defaults.owner}"],
    )
    with dag:
        await_databases = AwaitDatabasesOperator(
            task_id="await_databases",
            registry=registry,
            inlets=[database_asset(name) for name in registry.consolidated_databases],
        )
        transform = dbt_task_group(
            "transform",
            select="tag:consolidated",
            shown=naming.CONSOLIDATED,
            variables={"consolidate": True},
            env={
                "TRIBUTARY_DBT_DATASET": naming.CONSOLIDATED_AUDIT,
                # `as_of` in a run that began before there was the other one.
                "TRIBUTARY_AS_OF": "{% set plan = ti.xcom_pull(task_ids='await_databases') %}"
                "{{ plan.get('changed', plan['as_of']) | tojson }}",
                "TRIBUTARY_APPS": json.dumps(registry.apps),
            },
        )
        validate_audit = ValidateAuditOperator(task_id="validate_audit", registry=registry)
        publish = PublishOperator(
            task_id="publish",
            registry=registry,
            plan=await_databases.output,
            outlets=[Asset(name=naming.CONSOLIDATED, uri=naming.asset_uri(naming.CONSOLIDATED))],
        )
        await_databases >> transform >> validate_audit >> publish
    everything = Param(
        False,
        type="boolean",
        title="Everything",
        description="Build and publish every database anew, those that have not changed too.",
    )
    dag.params.update(
        parameters("Do not wait: publish at once with the databases that have landed.", everything=everything)
    )
    return dag


def build_housekeeping_dag(registry: Registry) -> DAG:
    """The DAG that looks after the others, by the clock."""
    dag = DAG(
        dag_id=naming.HOUSEKEEPING_DAG,
        description="Finds failures that no task could tell itself, keeps ops in order, removes what has had its time.",
        doc_md=docs.HOUSEKEEPING,
        schedule=SWEEP_SCHEDULE,
        start_date=datetime.combine(registry.defaults.start_date, time(), UTC),
        catchup=False,
        max_active_runs=1,
        # One retry: the next run comes soon.
        default_args={**DEFAULT_ARGS, "owner": registry.defaults.owner, "retries": 1},
        tags=["housekeeping", f"owner:{registry.defaults.owner}"],
    )
    with dag:
        SweepOperator(task_id="sweep_dead_letters")
        RemoveCopiesOperator(task_id="remove_copies")
        RecordCostsOperator(task_id="record_costs")
        ExpireOpsOperator(task_id="expire_ops", keep=registry.ops.keep, until=SWEEP_INTERVAL)
    return dag


def database_asset(database: str) -> Asset:
    """The asset that a database's run updates once its marts are built and checked."""
    return Asset(name=database, uri=naming.asset_uri(naming.dataset(database)))
