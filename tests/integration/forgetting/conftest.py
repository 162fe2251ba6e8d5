"""Two shops on a local cloud, loaded and consolidated by the real steps, dbt's among them: one has a person to forget.

Customer 4711 of shop_eu is that person; customer 4711 of shop_us is somebody else.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from google.cloud import bigquery, storage

from tests.integration.operators.conftest import BETWEEN_SECONDS, Given, cloud, services
from tests.support.dbt import run_dbt
from tests.support.services import ROOT, LocalCloud
from tributary import editions, naming
from tributary.consolidation import Plan
from tributary.contracts import QuarantineLimit
from tributary.hooks.clients import bigquery_client, ops_store, staging_server
from tributary.ledger.store import OpsStore
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.reconcile import ReconcileOperator
from tributary.operators.sync import SyncOperator
from tributary.operators.validate import ValidateMartsOperator, ValidateRawOperator
from tributary.publishing import publish
from tributary.registry import Database, load_registry

__all__ = ["cloud", "services"]

PERSON = 4711
SHOPS = ("shop_eu", "shop_us")
# What is the person's alone: of shop_eu the orders, payments and the address.
OWN = ("770001", "770002", "880001", "880002", "880003", "990001")
SCHEMA = (ROOT / "simulator" / "retail" / "sql" / "schema.sql").read_text()
MARTS = ROOT / "include" / "dbt"
NUMBERS = itertools.count(1)


def rows_of(shop: str, day: int, *, person: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """A shop's tables as of a day of January: each day has one order more of somebody else."""
    at = "2013-01-01 10:00:00"
    rows: dict[str, list[tuple[Any, ...]]] = {
        "customers": [(1, "Ada", "One", "ada@example.org", 1, at, at), (3, "Cy", "Three", "cy@example.org", 0, at, at)],
        "addresses": [(1, 1, "Way 1", "1", "Lyon", None, "FR", at), (3, 3, "Way 3", "3", "Lyon", None, "FR", at)],
        "products": [(1, "LAMP", "Lamp", "home", "20.00", 1, at, at), (2, "DESK", "Desk", "home", "250.00", 1, at, at)],
        "discounts": [],
        "orders": [(number, 1, 1, None, "paid", at, at) for number in range(1, day + 3)],
        "order_items": [(number, 1, 1, 1, "20.00", "0.00") for number in range(1, day + 3)],
        "payments": [(number, number, "payment", "card", "20.00", at) for number in range(1, day + 3)],
    }
    if not person:
        return rows
    rows["customers"].append((PERSON, "Eve", "Gone", f"eve@{shop}.example.org", 1, at, at))
    if shop == "shop_us":
        rows["addresses"].append((2, PERSON, "Road 2", "2", "Austin", "TX", "US", at))
        rows["orders"].append((500, PERSON, 2, None, "paid", at, at))
        rows["order_items"].append((500, 1, 2, 1, "250.00", "0.00"))
        rows["payments"].append((500, 500, "payment", "card", "250.00", at))
        return rows
    rows["addresses"].append((990001, PERSON, "Lane 9", "9", "Lyon", None, "FR", at))
    rows["orders"] += [(770001, PERSON, 990001, None, "paid", at, at), (770002, PERSON, 990001, None, "placed", at, at)]
    rows["order_items"] += [(770001, 1, 1, 1, "20.00", "0.00"), (770001, 2, 2, 1, "250.00", "0.00"),
                            (770002, 1, 2, 1, "250.00", "0.00")]  # fmt: skip
    rows["payments"] += [(880001, 770001, "payment", "card", "270.00", at)]
    if day >= 2:
        # Breaks a rule, and goes aside.
        rows["payments"].append((880002, 770002, "payment", "card", "-1.00", at))
    return rows


def dump_of(shop: str, day: int, *, person: bool = True) -> str:
    inserts = []
    for table, rows in rows_of(shop, day, person=person).items():
        for row in rows:
            values = ", ".join("null" if value is None else repr(value) for value in row)
            inserts.append(f"insert into {table} values ({values});\n")
    head, end = (
        f"-- Host: localhost    Database: {shop}\n{SCHEMA}\n",
        f"-- Dump completed on 2013-01-{day:02}  2:00:00\n",
    )
    return head + "".join(inserts) + end


class TaskInstance:
    """Airflow's side of a run's tasks: their results."""

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id
        self.xcoms: dict[tuple[str, str], Any] = {}

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.xcoms.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms["validate_raw", key] = value

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        return "success"

    def get_first_reschedule_date(self, context: Any) -> None:
        return None


class Run:
    """One run of a shop's DAG for a day, step by step."""

    def __init__(self, shops: Shops, shop: str, day: int) -> None:
        self.shops = shops
        self.database = shops.databases[shop]
        self.day = f"2013-01-{day:02}"
        self.id = f"run_{next(NUMBERS)}"
        self.ti = TaskInstance(naming.dag_id(shop))

    def all(self) -> None:
        for step in ("preflight", "import_dump", "sync", "reconcile", "validate_raw", "transform", "validate_marts"):
            self.step(step)

    def step(self, name: str) -> Any:
        if name == "transform":
            self.shops.dbt(
                self.database.name, f"tag:{self.database.app}", {"database": self.database.name},
                TRIBUTARY_DUMP_DATE=self.day,
            )  # fmt: skip
            return None
        context: Any = {
            "run_id": self.id, "ti": self.ti, "dag": SimpleNamespace(dag_id=self.ti.dag_id), "params": {"force": True},
        }  # fmt: skip
        try:
            result = self._operator(name).execute(context)
        except TaskDeferred as deferral:
            from airflow.sdk.module_loading import import_string

            ask = import_string(deferral.trigger.function)
            while (event := ask(**deferral.trigger.arguments)) is None:
                time.sleep(BETWEEN_SECONDS)
            result = getattr(self._operator(name), deferral.method_name)(context, event)
        self.ti.xcoms[name, "return_value"] = result
        return result

    def _operator(self, name: str) -> Any:
        dump, checked = self._given("find_dump"), self._given("preflight")
        operator: Any
        match name:
            case "preflight":
                operator = PreflightOperator(task_id=name, database=self.database, dump=dump)
            case "import_dump":
                operator = ImportDumpOperator(
                    task_id=name, database=self.database.name, instance="staging", dump=dump,
                    source_uri=checked.value["uri"], contract=self.database.contract, preflight=checked,
                )  # fmt: skip
            case "sync":
                operator = SyncOperator(task_id=name, database=self.database, preflight=checked)
            case "reconcile":
                operator = ReconcileOperator(task_id=name, database=self.database, preflight=checked)
            case "validate_raw":
                operator = ValidateRawOperator(task_id=name, database=self.database, preflight=checked)
            case _:
                operator = ValidateMartsOperator(task_id=name, database=self.database)
        operator.dump_date = operator.day = self.day
        return operator

    def _given(self, task: str) -> Given:
        return Given(self.ti.xcom_pull(task))


class Shops:
    """The shops, their dumps, and what `consolidate` makes of them."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.registry = load_registry()
        self.databases: dict[str, Database] = {
            name: self.registry.databases[name].model_copy(update={"quarantine": QuarantineLimit(max_share=1)})
            for name in SHOPS
        }
        self.apps = {"retail": SHOPS}
        self.tables = {"retail": self.databases["shop_eu"].contract.mart_names}
        self.bucket = storage.Client().bucket(cloud.bucket)

    @property
    def client(self) -> bigquery.Client:
        return bigquery_client()

    @property
    def store(self) -> OpsStore:
        return ops_store()

    @property
    def mysql(self) -> Any:
        return staging_server("staging")

    def run(self, shop: str, day: int, *, person: bool = True) -> Run:
        """A run whose dump is in the bucket."""
        blob = self.bucket.blob(f"{shop}/2013-01-{day:02}/{shop}.sql")
        blob.upload_from_string(dump_of(shop, day, person=person))
        blob.reload()
        run = Run(self, shop, day)
        run.ti.xcoms["find_dump", "return_value"] = {
            "bucket": self.bucket.name, "name": blob.name, "generation": int(blob.generation),
            "uri": f"gs://{self.bucket.name}/{blob.name}",
        }  # fmt: skip
        return run

    def load(self, shop: str, day: int, *, person: bool = True) -> Run:
        run = self.run(shop, day, person=person)
        run.all()
        return run

    def dbt(self, dataset: str, select: str, fixed: dict[str, Any], **environment: str) -> None:
        variables = {**os.environ, **environment, "TRIBUTARY_DBT_DATASET": dataset, "DO_NOT_TRACK": "1"}
        code, text = run_dbt(
            "run", "--select", select, "--vars", json.dumps(fixed), env=variables, project=MARTS,
            target=self.folder / dataset,
        )  # fmt: skip
        assert code == 0, text[-6000:]

    def plan(self, day: int) -> Plan:
        landed = self.store.landed(date(2013, 1, day))
        landed = {name: landed[name] for name in SHOPS if name in landed}
        base = editions.held_by_readers(self.store)
        return Plan.made(f"2013-01-{day:02}", landed, self.apps, {"retail": "as it is"}, base, counted=landed.keys())

    def audit(self, plan: Plan) -> None:
        self.dbt(
            naming.CONSOLIDATED_AUDIT, "tag:consolidated", {"consolidate": True},
            TRIBUTARY_AS_OF=json.dumps(plan.changed), TRIBUTARY_APPS=json.dumps({"retail": SHOPS, "flights": []}),
        )  # fmt: skip

    def publish(self, plan: Plan) -> Any:
        return publish(
            self.client, "US", run_id=f"consolidate_{next(NUMBERS)}", apps=self.apps, tables=self.tables, plan=plan,
            keep=5,
        )  # fmt: skip

    def consolidate(self, day: int) -> Plan:
        plan = self.plan(day)
        self.audit(plan)
        self.publish(plan)
        return plan

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.client.query(query).result()]

    def everything(self) -> dict[str, list[str]]:
        """Every row of every table of every dataset, as text."""
        client = self.client
        found = {}
        for dataset in client.list_datasets():
            for table in client.list_tables(dataset.dataset_id):
                if table.table_type != "VIEW":
                    name = f"{dataset.dataset_id}.{table.table_id}"
                    query = f"select * from `{dataset.dataset_id}`.`{table.table_id}`"
                    found[name] = [str(dict(row)) for row in client.query(query).result()]
        return found


@pytest.fixture(scope="module")
def shops(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Shops:
    return Shops(cloud, tmp_path_factory.mktemp("dbt"))
