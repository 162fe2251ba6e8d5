"""Databases built in the wrong order, twice and at once, then consolidated: which rows stand where, and from where.

One file, because both ask what one long build has left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbt_builds import APPS, AS_OF, Built
from dbt_raw import DAY_1, DAY_2
from dbt_warehouse import PROJECT, ROOT, Outcome, Warehouse, succeeded

from tests.support.lineage import Event, Lineage, databases_of_tables, holes, paths, shown
from tests.support.listened_tasks import ListenedTasks
from tributary.consolidation import Plan
from tributary.ledger.audited import audited_contents
from tributary.ledger.reading import partition_contents, rows_as_of
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
def dags(run: ListenedTasks, built: Built, manifest: Path) -> dict[str, Any]:
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
    plan = Plan(str(DAY_2), as_of=AS_OF, landed={}, editions={}, changed=AS_OF, base=None)
    dag, xcoms = dags["consolidate"], {"await_databases": asdict(plan)}
    assert run(dag.get_task(PRODUCER), build("consolidated__audit"), xcoms=xcoms) == "success"
    assert run(dag.get_task("publish"), xcoms=xcoms) == "success"
    return run.events()


def expected() -> dict[str, list[str]]:
    return databases_of_tables(load_registry(), AS_OF)


def test_each_dump_has_its_own_rows_whatever_the_order_of_loading(warehouse: Warehouse, built: Built) -> None:
    query = "select _dump_date, order_id, status from shop_eu.orders order by 1, 2"
    assert warehouse.rows(query) == [
        (DAY_1, 1, "shipped"), (DAY_1, 2, "cancelled"), (DAY_1, 3, "placed"),
        (DAY_2, 1, "shipped"), (DAY_2, 2, "cancelled"), (DAY_2, 3, "returned"), (DAY_2, 4, "paid"),
    ]  # fmt: skip


def test_what_has_not_changed_has_one_version_from_its_first_day_on(warehouse: Warehouse, built: Built) -> None:
    query = "select product_id, _valid_from, _valid_to from shop_eu.products__history order by 1, 2"
    assert warehouse.rows(query) == [(1, DAY_1, None), (2, DAY_1, None)]
    assert rows_as_of(warehouse.client, "shop_eu", ["products__history"], str(DAY_1)) == {"products__history": 2}
    assert rows_as_of(warehouse.client, "shop_eu", [], str(DAY_1)) == {}


def test_a_day_goes_on_with_what_was_parsed_for_another(warehouse: Warehouse, built: Built) -> None:
    log = (warehouse.directory / "shop_eu" / "dbt.log").read_text()
    assert log.count("Unable to do partial parsing because saved manifest not found") == 1
    assert log.count("Unable to do partial parsing") == 1
    assert log.count("Nothing changed, skipping partial parsing") == 2


def test_revenue_counts_what_was_sold_where(warehouse: Warehouse, built: Built) -> None:
    columns = "city, state, orders_count, units_sold, total_revenue, total_discount, net_revenue, refunded_amount"
    query = f"select {columns} from shop_eu.revenue_by_location where _dump_date = date '{DAY_2}' order by city"
    assert warehouse.rows(query) == [
        ("Austin", "TX", 1, 1, Decimal("240.00"), 0, Decimal("240.00"), 0),
        ("Lyon", None, 2, 4, Decimal("309.70"), Decimal("28.98"), Decimal("280.72"), Decimal("19.90")),
    ]


def test_customers_without_orders_are_there(warehouse: Warehouse, built: Built) -> None:
    query = (
        "select customer_id, orders_count, cancelled_orders_count, lifetime_revenue from shop_eu.customers"
        f" where _dump_date = date '{DAY_2}' order by 1"
    )
    assert warehouse.rows(query) == [(1, 2, 0, Decimal("280.72")), (2, 1, 1, Decimal("240.00")), (3, 0, 0, 0)]


def test_features_of_day_two_know_day_one_and_no_more(warehouse: Warehouse, built: Built) -> None:
    columns = "flight_id, carrier_departures_before, carrier_mean_dep_delay_before, weather_temp, label_cancelled"
    query = (
        f"select {columns} from airport_ewr.flight_delay_features"
        f" where _dump_date = date '{DAY_2}' and flight_id in (1, 6, 7, 8, 12) order by 1"
    )
    assert warehouse.rows(query) == [
        (1, 0, None, None, False),
        (6, 0, None, 40.0, True),
        (7, 3, 20.0, None, False),  # B6 of day 1 left at 6, 8 and 10: 0, 20 and 40 minutes late
        (8, 2, 20.0, 36.0, False),  # UA at 7 and 9: 10 and 30; its flight at 11 was cancelled
        (12, 2, 20.0, 40.0, True),
    ]


def test_readings_beyond_any_wind_are_emptied(warehouse: Warehouse, built: Built) -> None:
    columns = "countif(wind_speed is null), max(wind_speed)"
    query = f"select {columns} from airport_ewr.weather where _dump_date = date '{DAY_1}'"
    assert warehouse.rows(query) == [(1, 5.0)]


def test_consolidated_holds_each_database_as_of_its_date(warehouse: Warehouse, built: Built) -> None:
    orders = "select _database, _dump_date, count(*) from consolidated__audit.orders group by 1, 2 order by 1"
    assert warehouse.rows(orders) == [("shop_eu", DAY_2, 4), ("shop_us", DAY_1, 3)]
    flights = "select _database, _dump_date, count(*) from consolidated__audit.flights group by 1, 2 order by 1"
    assert warehouse.rows(flights) == [("airport_ewr", DAY_2, 12), ("airport_jfk", DAY_1, 6)]


def test_consolidated_has_the_content_of_the_marts(warehouse: Warehouse, built: Built) -> None:
    contracts = load_registry().contracts
    tables = {app: contracts[app].mart_names for app in APPS}
    audited = audited_contents(warehouse.client, APPS, tables, AS_OF)
    for app, databases in APPS.items():
        for database in databases:
            if database in AS_OF:
                marts = partition_contents(warehouse.client, database, tables[app], AS_OF[database])
                assert audited[database] == marts
                assert all(content.checksum for content in marts.values())
    assert audited["shop_eu"]["orders"] != audited["shop_us"]["orders"]


def test_every_mart_has_a_consolidated_twin_with_its_columns(built: Built) -> None:
    nodes = json.loads((built.consolidated.target / "manifest.json").read_text())["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
    marts = [name for name, node in models.items() if node["fqn"][2] == "marts"]
    assert len(marts) == 14
    for name in marts:
        mart, twin = models[name]["columns"], dict(models[f"consolidated__{name}"]["columns"])
        assert twin.pop("_database")["data_type"] == "string", name
        assert list(twin) == list(mart), name
        for column in mart:
            for key in ("data_type", "description", "constraints"):
                assert mart[column][key] == twin[column][key], f"{name}.{column}: {key}"
            assert mart[column]["description"], f"{name}.{column} is not described"


def test_an_app_without_a_database_consolidates_to_no_rows_of_the_right_types(
    warehouse: Warehouse, built: Built
) -> None:
    run = ("run", "--select", "tag:consolidated,path:models/consolidated/flights")
    succeeded(warehouse.dbt("consolidated__empty", *run, as_of={"shop_eu": str(DAY_2)}, apps=APPS))
    full, empty = (
        warehouse.client.get_table(f"{name}.flights") for name in ("consolidated__audit", "consolidated__empty")
    )
    assert empty.num_rows == 0
    assert [(field.name, field.field_type) for field in empty.schema] == [
        (field.name, field.field_type) for field in full.schema
    ]


def test_more_databases_than_a_query_may_name_are_inserted_in_further_ones(warehouse: Warehouse, built: Built) -> None:
    run = ("run", "--select", "tag:consolidated,path:models/consolidated/retail")
    succeeded(warehouse.dbt("consolidated__parts", *run, as_of=AS_OF, apps=APPS, consolidated_at_once=1))
    for table in load_registry().contracts["retail"].mart_names:
        rows = f"select _database, count(*), max(_dump_date) from {{}}.{table} group by 1 order by 1"
        assert warehouse.rows(rows.format("consolidated__parts")) == warehouse.rows(rows.format("consolidated__audit"))
    assert len(warehouse.rows("select distinct _database from consolidated__parts.orders")) == 2


def test_an_orphan_stops_its_own_database(built: Built) -> None:
    failed = {name.split(".")[2] for name, status in built.orphan.statuses().items() if status == "fail"}
    assert built.orphan.code == 1
    assert failed == {"order_items__keys_exist", "orders__totals_agree"}


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
    assert len(models) == 2 * (7 + 8 + 1) + 2 * (5 + 6) + 14
    for event in models:
        (output,) = event["outputs"]
        columns = {field["name"] for field in output["facets"].get("schema", {}).get("fields", ())}
        known = set(output["facets"]["columnLineage"]["fields"])
        consolidated = ".consolidated__audit." in output["name"]
        constant = {"_database"} if consolidated else {"_dump_date", "_valid_from", "_valid_to", "_ended_by", *counted}
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
    # An event is of a table; the name of a model that is made begins with its app.
    return {
        node.rpartition(".")[2].removeprefix("retail__")
        for node, status in outcome.statuses().items()
        if node.startswith("model.") and status == "success"
    }
