"""A local cloud, and one small database whose steps tests run and kill, each try in an operator of its own."""

from __future__ import annotations

import functools
import itertools
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import TaskDeferred
from google.cloud import storage

from tests.support import wire
from tests.support.services import LocalCloud
from tributary import naming
from tributary.airbyte import _connections, _only_workspace, sync_jobs
from tributary.hooks.clients import bigquery_client
from tributary.hooks.cloud_sql import CloudSqlHook
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.reconcile import ReconcileOperator
from tributary.operators.sync import SyncOperator
from tributary.registry import Database, load_registry
from tributary.resuming import OutsideJob
from tributary.settings import AIRBYTE_CONNECTION, GOOGLE_CONNECTION

SERVICES = ("metadata", "storage", "bigquery", "cloud_sql", "sqladmin", "airbyte")
DAY = "2013-01-01"
PERSONAL_KEY = "the key of the tests' hashes, which no log may have"
# Between two looks at a job.
BETWEEN_SECONDS = 0.1
LINES = "  lines: {primary_key: [id], columns: {id: {type: int}, text: {type: varchar(40)}}}\n"


class Killed(BaseException):
    """The process of a task ends here, as under SIGKILL: nothing in between may handle it."""


# Databases share the services, so each has a name of its own.
NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """All services but production. In the end, what they were asked has to be as it is published."""
    python = Path(os.environ.get("TRIBUTARY_BQEMULATOR", sys.executable)).with_name("python")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(python), is_recorded=True)
    with cloud.running(*SERVICES):
        yield cloud
    wire.check(cloud.record)


@pytest.fixture(scope="module")
def cloud(services: LocalCloud) -> Iterator[LocalCloud]:
    """The services; the process's environment is that of a task, for the tests of one file: others have others."""
    url = {name: f"http://127.0.0.1:{port}" for name, port in services.ports.items()}
    connections: dict[str, Any] = {
        "google_cloud_default": {
            "conn_type": "google_cloud_platform",
            "extra": {"project": services.project, "sqladmin_api_endpoint": url["sqladmin"], "num_retries": 0},
        },
        "cloud_sql__staging": {
            "conn_type": "mysql", "host": "127.0.0.1", "port": services.ports["cloud_sql"],
            "login": "root", "password": services.password,
        },
        "airbyte_default": {
            "conn_type": "airbyte", "host": f"{url['airbyte']}/api/public/v1/", "login": "tests",
            "password": services.password, "schema": "v1/applications/token", "extra": {"timeout": 30},
        },
        "personal_data": {"conn_type": "generic", "password": PERSONAL_KEY},
    }  # fmt: skip
    with services.as_environment(**connections), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIBUTARY_POLL_SECONDS", "1")
        # Jobs of a few rows are over in less than its half second, which every step would wait.
        patch.setattr("tributary.waiting._BETWEEN_SECONDS", BETWEEN_SECONDS)
        # Airbyte's library reads all certificates twice for each of its clients, and nobody speaks TLS here.
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield services


class Given:
    """What an operator takes as the output of another task."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, context: Any) -> Any:
        return self.value


class Runs:
    """Airflow's side: the states of runs by id, and since when the task at hand steps back.

    A state that is an error is what the question for it is answered with.
    """

    def __init__(self) -> None:
        self.states: dict[str, str | Exception] = {}
        self.stepping_back_since: datetime | None = None

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        state = self.states[run_id]
        if isinstance(state, Exception):
            raise state
        return state

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.stepping_back_since


class Kiosk:
    """A database of its own name, with one table of a few rows unless the test says otherwise.

    `checked` is what pre-flight returned to the steps after it.
    """

    def __init__(self, cloud: LocalCloud, database: Database) -> None:
        self.cloud = cloud
        self.database = database
        self.name = database.name
        self.runs = Runs()
        self.bucket = storage.Client().bucket(cloud.bucket)
        self.dump: dict[str, Any] = {}
        self.checked: dict[str, Any] = {}
        self.day = DAY
        self.force = False
        self.import_limit = timedelta(minutes=5)
        self.sync_limit = timedelta(minutes=5)

    def leave_dump(self, rows: int, first: int = 1) -> None:
        """Write a dump with the numbers `first` to `first + rows - 1`, as the day's one object."""
        values = ",".join(f"({number},'line {number}')" for number in range(first, first + rows))
        text = (
            "DROP TABLE IF EXISTS `lines`;\n"
            "CREATE TABLE `lines` (`id` int NOT NULL, `text` varchar(40) NOT NULL, PRIMARY KEY (`id`));\n"
            f"INSERT INTO `lines` VALUES {values};\n-- Dump completed on {self.day}  2:00:00\n"
        )
        self.leave(text)

    def leave(self, text: str) -> None:
        """Write a dump as the day's one object."""
        blob = self.bucket.blob(f"{self.name}/{self.day}/{self.name}.sql")
        blob.upload_from_string(text)
        blob.reload()
        self.dump = {
            "bucket": self.bucket.name, "name": blob.name, "generation": int(blob.generation),
            "uri": f"gs://{self.bucket.name}/{blob.name}",
        }  # fmt: skip

    def step(self, name: str, run_id: str = "run_1") -> Any:
        """One try of a step, in a new operator, to its end; the deferral is waited for as the triggerer does."""
        self.runs.states.setdefault(run_id, "running")
        operator = self._operator(name)
        context: Any = {
            "run_id": run_id, "ti": self.runs, "dag": SimpleNamespace(dag_id=naming.dag_id(self.name)),
            "params": {"force": self.force},
        }  # fmt: skip
        try:
            return operator.execute(context)
        except TaskDeferred as deferral:
            trigger, method = deferral.trigger, deferral.method_name
        from airflow.sdk.module_loading import import_string

        ask = import_string(trigger.function)
        while (event := ask(**trigger.arguments)) is None:
            time.sleep(BETWEEN_SECONDS)
        return getattr(self._operator(name), method)(context, event)

    def _operator(self, name: str) -> Any:
        if name == "sync":
            return SyncOperator(
                task_id="sync", database=self.database, preflight=Given(self.checked), execution_timeout=self.sync_limit
            )
        operator: Any
        if name == "preflight":
            operator = PreflightOperator(task_id=name, database=self.database, dump=Given(self.dump))
        elif name == "reconcile":
            operator = ReconcileOperator(task_id=name, database=self.database, preflight=Given(self.checked))
        else:
            operator = ImportDumpOperator(
                task_id="import_dump", database=self.name, instance="staging", dump=Given(self.dump),
                source_uri=self.dump["uri"], contract=self.database.contract, preflight=Given(self.checked),
                execution_timeout=self.import_limit,
            )  # fmt: skip
        operator.dump_date = self.day
        return operator

    def jobs(self, name: str) -> list[OutsideJob]:
        """What the service did for a step so far, newest first."""
        if name == "import_dump":
            return CloudSqlHook(gcp_conn_id=GOOGLE_CONNECTION, api_version="v1beta4").imports("staging", self.name)
        return sync_jobs(self.airbyte, self.connection_id())

    @property
    def airbyte(self) -> Any:
        from airflow.providers.airbyte.hooks.airbyte import AirbyteHook

        return AirbyteHook(airbyte_conn_id=AIRBYTE_CONNECTION, api_version="v1").airbyte_api

    def connection_id(self) -> str:
        """Raises StopIteration where Airbyte does not know the database yet."""
        api, name = self.airbyte, naming.airbyte_name(self.name)
        return next(str(one.connection_id) for one in _connections(api, _only_workspace(api)) if one.name == name)

    def leave_airbyte(self) -> None:
        """Take its source and connection out of Airbyte, whose library reads a list in milliseconds for each entry."""
        from airbyte_api.api import DeleteSourceRequest, ListSourcesRequest

        api, name = self.airbyte, naming.airbyte_name(self.name)
        known = api.sources.list_sources(request=ListSourcesRequest(workspace_ids=[_only_workspace(api)], limit=100))
        for source in known.sources_response.data:
            if source.name == name:
                api.sources.delete_source(request=DeleteSourceRequest(source_id=source.source_id))

    def raw(self) -> list[tuple[int, str]]:
        rows = bigquery_client().query(f"select id, text from raw__{self.name}.lines order by id").result()
        return [tuple(row.values()) for row in rows]

    def staged(self) -> list[tuple[int, str]]:
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        mysql = MySqlHook(mysql_conn_id="cloud_sql__staging")
        return [tuple(row) for row in mysql.get_records(f"select id, text from `{self.name}`.`lines` order by id")]


@pytest.fixture
def kiosk(cloud: LocalCloud, make_kiosk: Callable[[], Kiosk]) -> Iterator[Kiosk]:
    """A database that no other test uses, with a dump of five rows."""
    kiosk = make_kiosk()
    yield kiosk
    kiosk.leave_airbyte()


@pytest.fixture(scope="module")
def make_kiosk(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Kiosk]:
    assert BaseHook.get_connection(AIRBYTE_CONNECTION)

    def make(tables: str = LINES, guards: str = "{}") -> Kiosk:
        name = f"kiosk_{next(NUMBERS)}"
        include = tmp_path_factory.mktemp(name)
        (include / "contracts").mkdir()
        (include / "databases.yaml").write_text(
            "defaults: {owner: tests, schedule: '0 2 * * *', start_date: 2013-01-01, cloud_sql_instance: staging, "
            "dump_pattern: '{database}/{date}/*.sql', dump_wait: 1h}\n"
            f"consolidation: {{cut_off: 1h}}\ndatabases:\n  {name}: {{app: kiosk, guards: {guards}}}\n"
        )
        (include / "contracts" / "kiosk.yaml").write_text(
            f"app: kiosk\nmodels: none\ncompletion_line: false\ntables:\n{tables}"
        )
        kiosk = Kiosk(cloud, load_registry(include).databases[name])
        kiosk.leave_dump(5)
        return kiosk

    return make


@pytest.fixture(scope="module")
def cursor(cloud: LocalCloud, request: pytest.FixtureRequest) -> Iterator[Any]:
    """On the staging server, in a database of the module's own."""
    database = request.module.__name__.rpartition(".")[2]
    connection = pymysql.connect(
        host="127.0.0.1", port=cloud.ports["cloud_sql"], user="root", password=cloud.password, autocommit=True,
        charset="utf8mb4",
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(f"create database {database} character set utf8mb4")
        cursor.execute(f"use {database}")
        yield cursor
