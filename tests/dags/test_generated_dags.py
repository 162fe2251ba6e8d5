"""Every generated DAG: its tasks and their order, the policies, and that two parses agree."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from croniter import croniter

from tributary import naming, pipeline
from tributary.generated_models import model_name
from tributary.operators.expire_ops import is_due
from tributary.registry import load_registry

REGISTRY = load_registry()
DATABASES = list(REGISTRY.databases)
STEPS = ["find_dump", "preflight", "import_dump", "sync", "reconcile", "validate_raw"]
PRODUCER = "transform.dbt_producer_watcher"


def outside_transform(dag: Any) -> set[str]:
    return {task_id for task_id in dag.task_ids if not task_id.startswith("transform.")}


def models_of(manifest: Path, folder: str) -> set[str]:
    nodes = json.loads(manifest.read_text())["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model"]
    return {node["name"] for node in models if node["original_file_path"].startswith(f"models/{folder}/")}


def test_there_is_one_dag_per_database_the_consolidation_and_the_housekeeping(dags: dict[str, Any]):
    assert set(dags) == {*map(naming.dag_id, DATABASES), naming.CONSOLIDATE_DAG, naming.HOUSEKEEPING_DAG}


def test_the_producer_is_named_as_cosmos_names_it():
    from cosmos.constants import PRODUCER_WATCHER_TASK_ID

    assert naming.DBT_PRODUCER == PRODUCER_WATCHER_TASK_ID
    assert naming.producer_of("transform.orders_run") == PRODUCER
    assert naming.producer_of(PRODUCER) is naming.producer_of("sync") is None


@pytest.mark.parametrize("database", DATABASES)
def test_the_steps_of_a_database_stand_in_one_line(dags: dict[str, Any], database: str):
    dag = dags[naming.dag_id(database)]
    assert outside_transform(dag) == {*STEPS, "validate_marts"}
    for before, after in pairwise(STEPS):
        assert dag.get_task(after).upstream_task_ids == {before}
    assert PRODUCER in dag.get_task("validate_raw").downstream_task_ids
    assert dag.get_task("validate_marts").downstream_task_ids == set()
    in_transform = {task_id for task_id in dag.task_ids if task_id.startswith("transform.")}
    reaches_marts = set(dag.get_task("validate_marts").get_flat_relative_ids(upstream=True))
    assert in_transform <= reaches_marts


@pytest.mark.parametrize("database", DATABASES)
def test_every_mart_of_the_app_is_a_task_and_everything_is_built(dags: dict[str, Any], database: str, manifest: Path):
    app = REGISTRY.databases[database].app
    dag = dags[naming.dag_id(database)]
    shown = {task_id.split(".")[1] for task_id in dag.task_ids if task_id.startswith("transform.")}
    marts, histories = models_of(manifest, f"{app}/marts"), models_of(manifest, f"generated/{app}")
    assert {name.removesuffix("_run") for name in shown if name.endswith("_run")} == marts | histories
    assert set(REGISTRY.contracts[app].mart_names) == marts
    assert {model_name(app, name) for name in REGISTRY.contracts[app].histories.values()} == histories
    assert dag.get_task(PRODUCER).select == f"tag:{app}"


def test_the_consolidation_waits_builds_checks_and_publishes(dags: dict[str, Any]):
    dag = dags[naming.CONSOLIDATE_DAG]
    assert outside_transform(dag) == {"await_databases", "validate_audit", "publish"}
    assert PRODUCER in dag.get_task("await_databases").downstream_task_ids
    assert dag.get_task("publish").upstream_task_ids == {"validate_audit"}


def test_the_housekeeping_does_its_tasks_beside_each_other(dags: dict[str, Any]):
    dag = dags[naming.HOUSEKEEPING_DAG]
    assert set(dag.task_ids) == {"sweep_dead_letters", "remove_copies", "record_costs", "expire_ops"}
    assert [task.task_id for task in dag.tasks if task.upstream_task_ids] == []
    assert dag.get_task("expire_ops").keep == REGISTRY.ops.keep


def test_the_housekeeping_tidies_ops_in_one_of_a_day_s_scheduled_runs(dags: dict[str, Any]):
    schedule, until = pipeline.SWEEP_SCHEDULE, pipeline.SWEEP_INTERVAL
    day = croniter(schedule, datetime(2013, 1, 1, 23, 59, tzinfo=UTC))
    ticks = [day.get_next(datetime) for _ in range(24 * 4)]
    assert {tick.date() for tick in ticks} == {date(2013, 1, 2)}
    assert [is_due("scheduled", tick, until) for tick in ticks].count(True) == 1


def every_task(dags: dict[str, Any]) -> list[Any]:
    return [task for dag in dags.values() for task in dag.tasks]


def test_every_task_has_retries_a_policy_a_limit_and_an_owner(dags: dict[str, Any]):
    tasks = every_task(dags)
    assert len(tasks) > 60
    for task in tasks:
        where = f"{task.dag_id}.{task.task_id}: set it in tributary.policies.DEFAULT_ARGS"
        assert task.execution_timeout, where
        assert task.retry_policy, where
        assert task.owner != "airflow", where
        # Cosmos' producer must not repeat a whole build by itself; everything else is tried again.
        assert task.retries > 0 or task.task_id == PRODUCER, where


def test_every_dag_says_what_it_is_and_whose(dags: dict[str, Any]):
    for dag in dags.values():
        assert "when it is red" in dag.doc_md, f"{dag.dag_id}: doc_md lacks triage notes (tributary.docs)"
        assert {tag.split(":")[0] for tag in dag.tags} >= {"owner"}
        assert dag.catchup is False
        assert dag.max_active_runs == 1
        of_all = set() if dag.dag_id == naming.HOUSEKEEPING_DAG else {"date", "force"}
        assert set(dag.params) == of_all | ({"everything"} if dag.dag_id == naming.CONSOLIDATE_DAG else set())


@pytest.mark.parametrize("database", DATABASES)
def test_one_import_at_a_time_per_cloud_sql_instance(dags: dict[str, Any], database: str):
    instance = REGISTRY.databases[database].cloud_sql_instance
    task = dags[naming.dag_id(database)].get_task("import_dump")
    assert task.pool == naming.import_pool(instance)
    assert task.pool_slots == 1


@pytest.mark.parametrize("database", DATABASES)
def test_assets_lead_from_the_database_to_consolidated(dags: dict[str, Any], database: str):
    marts = dags[naming.dag_id(database)].get_task("validate_marts")
    assert [asset.name for asset in marts.outlets] == [database]
    assert database in [asset.name for asset in dags[naming.CONSOLIDATE_DAG].get_task("await_databases").inlets]
    assert [asset.name for asset in dags[naming.CONSOLIDATE_DAG].get_task("publish").outlets] == ["consolidated"]


def test_two_parses_give_the_same_dags(parse: Any, dags: dict[str, Any]):
    from airflow.serialization.serialized_objects import DagSerialization

    first = {dag_id: DagSerialization.to_dict(dag) for dag_id, dag in dags.items()}
    second = {dag_id: DagSerialization.to_dict(dag) for dag_id, dag in parse().dags.items()}
    assert first == second


def test_a_broken_entry_is_an_import_error_and_takes_nothing_away(
    parse: Any, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    from tributary import registry as module

    include = tmp_path / "include"
    (include / "contracts").mkdir(parents=True)
    for contract in (root / "include" / "contracts").glob("*.yaml"):
        (include / "contracts" / contract.name).write_text(contract.read_text())
    (include / "databases.yaml").write_text("databases:\n  shop_eu: {app: retail}\n  shop_x: {app: nothing}\n")
    monkeypatch.setattr(module.load_registry, "__defaults__", (include,))
    bag = parse()
    assert set(bag.dags) == {"elt__shop_eu", "consolidate", "housekeeping"}
    ((file, message),) = bag.import_errors.items()
    assert file.endswith("broken_databases.py")
    assert "databases.shop_x.app" in message
    assert "'nothing'" in message


def test_a_task_parses_its_own_dag_only(
    airflow_home: Path, manifest: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    import runpy

    from airflow.sdk.definitions.context import AirflowParsingContext

    context = AirflowParsingContext(dag_id="elt__shop_us", task_id="sync")
    monkeypatch.setattr("airflow.sdk.get_parsing_context", lambda: context)
    found = runpy.run_path(str(root / "dags" / "elt.py"))
    assert [name for name in found if name.startswith("elt__")] == ["elt__shop_us"]
