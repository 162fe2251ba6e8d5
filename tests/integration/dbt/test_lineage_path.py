"""From every table of `consolidated` back to the dumps: events of real tasks over what dbt really built."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from dbt_builds import AS_OF, Built
from dbt_warehouse import PROJECT, ROOT, Outcome, Warehouse

from tests.support.lineage import Event, Lineage, databases_of_tables, holes, paths, shown
from tests.support.listened_tasks import ListenedTasks
from tributary.registry import load_registry

BUCKET = "dumps"
PRODUCER = "transform.dbt_producer_watcher"
PROJECT_ID = "tributary-local"


@pytest.fixture(scope="module")
def run(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs tasks; the environment is that of the stack, as far as lineage asks for it."""
    home = tmp_path_factory.mktemp("airflow")
    connections = {
        "google_cloud_default": {
            "conn_type": "google_cloud_platform", "extra": {"project": PROJECT_ID, "is_anonymous": True}
        },
        "cloud_sql__staging": {"conn_type": "mysql", "host": "127.0.0.1", "port": 3306},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("TRIBUTARY_SPOOL_DIR", str(home / "spool"))
        for name, value in connections.items():
            patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(value))
        import airflow.providers.google.cloud.hooks.bigquery  # noqa: F401

        yield ListenedTasks(patch, home / "events.jsonl")


@pytest.fixture(scope="module")
def build(warehouse: Warehouse, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """What Cosmos does after a dbt run, with the artifacts of one; raises after a run that failed, as Cosmos does."""

    def after(outcome_of: str, *, code: int = 0) -> Callable[[Any], None]:
        def does(task: Any) -> None:
            folder = tmp_path_factory.mktemp("project")
            for file in (PROJECT / "dbt_project.yml", PROJECT / "profiles.yml"):
                shutil.copy(file, folder)
            shutil.copytree(warehouse.directory / outcome_of, folder / "target")
            variables = {
                name: warehouse.environment[name] for name in ("GOOGLE_CLOUD_PROJECT", "BIGQUERY_EMULATOR_HOST")
            }
            with pytest.MonkeyPatch.context() as patch:
                for name in (*variables, "TRIBUTARY_DBT_DATASET"):
                    patch.setenv(name, "")  # Cosmos sets them for the whole process
                command = ["dbt", "build", "--profiles-dir", str(folder)]
                task.calculate_openlineage_events_completes(
                    {**variables, "TRIBUTARY_DBT_DATASET": outcome_of}, folder, command
                )
            if code:
                raise RuntimeError(f"dbt ended with {code}")

        return does

    return after


@pytest.fixture(scope="module")
def dags(run: ListenedTasks, built: Built) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=True, bundle_path=ROOT / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="module")
def events(run: ListenedTasks, build: Callable[..., Any], dags: dict[str, Any]) -> list[Event]:
    """Every database that is consolidated, loaded; then all consolidated."""
    for name, day in AS_OF.items():
        dag, object_name = dags[f"elt__{name}"], f"{name}/{day}/{name}.sql.gz"
        dump = {"bucket": BUCKET, "name": object_name, "generation": 1, "uri": f"gs://{BUCKET}/{object_name}"}
        xcoms = {"find_dump": dump, "preflight": {"uri": dump["uri"]}}
        assert run(dag.get_task("import_dump"), xcoms=xcoms) == "success"
        assert run(dag.get_task("sync"), xcoms=xcoms) == "success"
        assert run(dag.get_task(PRODUCER), build(name), xcoms=xcoms) == "success"
    dag, xcoms = dags["consolidate"], {"await_databases": {"as_of": AS_OF, "day": "2013-01-02"}}
    assert run(dag.get_task(PRODUCER), build("consolidated__audit"), xcoms=xcoms) == "success"
    assert run(dag.get_task("publish"), xcoms=xcoms) == "success"
    return run.events()


def expected() -> dict[str, list[str]]:
    return databases_of_tables(load_registry(), AS_OF)


def test_every_consolidated_table_has_an_unbroken_path_to_the_dumps_of_its_databases(events: list[Event]):
    found = paths(events)
    assert set(found) == set(expected())
    assert holes(found, expected(), BUCKET) == []
    path = found["orders"]["gs://dumps", "shop_us/2013-01-01/shop_us.sql.gz"]
    assert shown(path) == (
        f"{PROJECT_ID}.consolidated.orders <- {PROJECT_ID}.consolidated__audit.orders <- {PROJECT_ID}.shop_us.orders"
        f" <- {PROJECT_ID}.shop_us.stg_retail__discounts <- {PROJECT_ID}.raw__shop_us.discounts"
        " <- shop_us.discounts <- shop_us/2013-01-01/shop_us.sql.gz"
    )


@pytest.mark.parametrize(
    "job", ["elt__shop_eu.sync", "elt__shop_eu.transform.stg_retail__payments", "consolidate.publish"]
)
def test_a_hole_is_found_wherever_an_event_is_missing(events: list[Event], job: str):
    without = [event for event in events if event["job"]["name"] != job]
    assert len(without) < len(events)
    assert holes(paths(without), expected(), BUCKET) != []


def test_a_table_comes_from_what_its_own_columns_come_from_and_not_from_all_that_the_task_read(events: list[Event]):
    lineage = Lineage.of(events)
    raw = ("bigquery", f"{PROJECT_ID}.raw__shop_eu.payments")
    assert lineage.sources[raw] == {("mysql://127.0.0.1:3306", "shop_eu.payments")}
    mart = ("bigquery", f"{PROJECT_ID}.shop_eu.customers")
    assert {name for _, name in lineage.sources[mart]} == {
        f"{PROJECT_ID}.shop_eu.{name}" for name in ("stg_retail__customers", "orders")
    }


def test_every_column_of_every_model_has_an_origin_but_the_counted_and_the_constant_ones(events: list[Event]):
    counted = {"orders_count", "lines_count", "flights_count"}
    models = [event for event in events if event["job"]["facets"]["jobType"]["integration"] == "DBT"]
    assert len(models) == 2 * (7 + 8) + 2 * (5 + 6) + 14
    for event in models:
        (output,) = event["outputs"]
        columns = {field["name"] for field in output["facets"].get("schema", {}).get("fields", ())}
        known = set(output["facets"]["columnLineage"]["fields"])
        consolidated = ".consolidated__audit." in output["name"]
        constant = {"_database"} if consolidated else {"_dump_date", *counted}
        assert columns - known <= constant, output["name"]


def test_a_model_s_event_belongs_to_the_run_of_the_task_that_ran_dbt(events: list[Event]):
    (task,) = [
        event
        for event in events
        if event["job"]["name"] == f"elt__shop_eu.{PRODUCER}" and event["eventType"] == "START"
    ]
    (model,) = [event for event in events if event["job"]["name"] == "elt__shop_eu.transform.orders"]
    parent = model["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == task["run"]["runId"]
    assert parent["root"]["run"]["runId"] == task["run"]["facets"]["parent"]["run"]["runId"]
    assert parent["job"] == {"namespace": "tributary", "name": f"elt__shop_eu.{PRODUCER}", "facets": {}}
    assert model["run"]["runId"] != task["run"]["runId"]


def test_of_a_dbt_run_that_failed_only_the_models_that_were_built_have_events(
    run: ListenedTasks, build: Callable[..., Any], dags: dict[str, Any], built: Built
):
    before = len(run.events())
    assert run(dags["elt__shop_br"].get_task(PRODUCER), build("shop_br", code=built.orphan.code)) == "failed"
    after = run.events()[before:]
    told = {event["job"]["name"].rpartition(".")[2] for event in after if event["outputs"]}
    assert told == _built(built.orphan)
    assert "orders" in told
    assert "revenue_by_location" not in told
    assert after[-1]["eventType"] == "FAIL"


def _built(outcome: Outcome) -> set[str]:
    return {
        node.rpartition(".")[2]
        for node, status in outcome.statuses().items()
        if node.startswith("model.") and status == "success"
    }
