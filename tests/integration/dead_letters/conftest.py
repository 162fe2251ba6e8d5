"""Cloud Storage and BigQuery, a task that runs in Airflow's own task runner, and Airflow's REST API."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud import bigquery, storage

from tests.support.services import ROOT, LocalCloud, Process, free_port
from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.ledger.store import OpsStore

DAGS = """
from airflow.sdk import DAG, task_group
from airflow.providers.standard.operators.empty import EmptyOperator

for dag_id in ("elt__kiosk", "elt__other", "somebody_elses"):
    with DAG(dag_id, schedule=None, start_date=None) as dag:
        dbt = ["transform.dbt_producer_watcher", "transform.orders_run"]
        names = ["find_dump", "preflight", "sync", *dbt, "validate_marts"]
        steps = [EmptyOperator(task_id=name) for name in names]
        for before, after in zip(steps, steps[1:]):
            before >> after
    globals()[dag_id] = dag
"""


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Storage and the warehouse."""
    # The local cloud has an environment of its own.
    bqemulator = os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local" / "envs" / "localcloud" / "bin" / "bqemulator")
    python = Path(bqemulator).with_name("python")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(python))
    with cloud.running("metadata", "storage", "bigquery"):
        yield cloud


@pytest.fixture(scope="module")
def cloud(services: LocalCloud) -> Iterator[LocalCloud]:
    """The services; the process's environment is that of a task, for the tests of one file: others have others."""
    connection = {"conn_type": "google_cloud_platform", "extra": {"project": services.project, "num_retries": 0}}
    with services.as_environment(google_cloud_default=connection):
        yield services


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    monkeypatch.setenv("TRIBUTARY_SPOOL_DIR", str(tmp_path / "spool"))
    return Spool.from_environment()


@pytest.fixture
def store(cloud: LocalCloud, spool: Spool) -> LetterStore:
    """The store of records, empty."""
    client = storage.Client()
    for blob in client.list_blobs(cloud.bucket):
        blob.delete()
    return LetterStore(
        LetterBucket(client, cloud.bucket, seconds=20), spool, lambda: OpsStore(bigquery.Client(location="US"), "US")
    )


class Comms:
    """The supervisor's end: keeps what the task reports, and hands out one XCom."""

    def __init__(self, dump: dict[str, Any] | None) -> None:
        self.dump = dump
        self.sent: list[Any] = []

    def send(self, msg: Any) -> Any:
        from airflow.sdk.execution_time import comms

        self.sent.append(msg)
        if isinstance(msg, comms.GetXComSequenceSlice):
            if self.dump == {"error": True}:
                raise RuntimeError("the API server does not answer")
            return comms.XComSequenceSliceResult(root=[self.dump])
        return None


class TaskRun:
    """One try of one task, run by Airflow's task runner as a worker does, callbacks included.

    `task` is the task of the latest try, `sent` what it has reported.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.tags: list[str] = []
        self.dump: dict[str, Any] | None = {"uri": "gs://dumps/kiosk/2013-01-02/kiosk.sql.gz", "generation": 17}

    def __call__(
        self,
        execute: Callable[[Any], Any],
        *,
        dag_id: str = "elt__kiosk",
        task_id: str = "sync",
        try_number: int = 6,
        max_tries: int = 5,
        conf: dict[str, Any] | None = None,
        in_dag_processor: bool = False,
        **task_arguments: Any,
    ) -> Any:
        """The task's last state."""
        import structlog
        from airflow.sdk import DAG, BaseOperator, Param
        from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
        from airflow.sdk.execution_time import task_runner
        from uuid6 import uuid7

        from tributary.policies import DEFAULT_ARGS

        class Step(BaseOperator):
            def execute(self, context: Any) -> Any:
                return execute(context)

        params = {"date": Param(None), "force": Param(False)}
        with DAG(dag_id, schedule=None, default_args=DEFAULT_ARGS, params=params, tags=self.tags):
            task = Step(task_id=task_id, **task_arguments)
        comms = Comms(self.dump)
        self.task, self.sent = task, comms.sent
        self.monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
        moment = datetime(2013, 1, 2, 2, tzinfo=UTC)
        dag_run = DagRun.model_validate(
            {
                "dag_id": dag_id, "run_id": "manual__2013-01-02", "logical_date": moment, "run_after": moment,
                "data_interval_start": moment, "data_interval_end": moment, "start_date": moment, "end_date": None,
                "run_type": "manual", "state": "running", "conf": conf or {}, "consumed_asset_events": [],
                "partition_key": None,
            }
        )  # fmt: skip
        self.id = uuid7()
        server = TIRunContext(
            dag_run=dag_run, max_tries=max_tries, should_retry=not in_dag_processor and try_number <= max_tries
        )
        ti = task_runner.RuntimeTaskInstance.model_construct(
            id=self.id, task_id=task_id, dag_id=dag_id, run_id=dag_run.run_id, try_number=try_number, map_index=-1,
            dag_version_id=uuid7(), task=task, max_tries=max_tries, _ti_context_from_server=server,
            start_date=datetime.now(UTC), state="running",
        )  # fmt: skip
        context = ti.get_template_context()
        log = structlog.get_logger("task")
        if in_dag_processor:
            # As airflow.dag_processing.processor._execute_task_callbacks does it: no exception, no try/finally.
            for callback in task.on_failure_callback:
                callback(context)
            return None
        state, _, error = task_runner.run(ti, context, log)
        context["exception"] = error
        task_runner.finalize(ti, state, context, log, error)
        return state


@pytest.fixture
def run_task(monkeypatch: pytest.MonkeyPatch, spool: Spool) -> TaskRun:
    return TaskRun(monkeypatch)


class Airflow:
    """A REST API over a database with two DAGs of ours, and no scheduler: states are set by hand."""

    def __init__(self, url: str, password: str, database: Path) -> None:
        self.steps = FailedSteps(url, "admin", password)
        self.password = password
        self.database = database
        self._days = 0

    def start(self, dag_id: str = "elt__kiosk", run_id: str = "manual__2013-01-02T02:00:00+00:00", **conf: str) -> str:
        """A run for a day of its own, whose tasks have no state yet."""
        self._days += 1
        day = datetime(2013, 1 + self._days // 28, 1 + self._days % 28, 2, tzinfo=UTC)
        run_id = f"{run_id}_{self._days}"
        body = {"dag_run_id": run_id, "logical_date": day.isoformat(), "conf": conf}
        self.steps._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        return run_id

    def set(self, run_id: str, state: str, *tasks: str, dag_id: str = "elt__kiosk") -> None:
        from urllib.parse import quote

        for task in tasks:
            path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task}"
            self.steps._send("PATCH", path, json={"new_state": state})

    def begin(self, run_id: str, state: str, task: str) -> None:
        """What only a scheduler and a worker can do, not the API."""
        update = "update task_instance set state = ?, start_date = ? where run_id = ? and task_id = ?"
        with closing(sqlite3.connect(self.database, timeout=30)) as connection, connection:
            connection.execute(update, (state, datetime.now(UTC).isoformat(" "), run_id, task))

    def begin_run(self, run_id: str) -> None:
        """What only a scheduler can do."""
        with closing(sqlite3.connect(self.database, timeout=30)) as connection, connection:
            connection.execute("update dag_run set state = 'running' where run_id = ?", (run_id,))


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("airflow_api")
    (home / "dags").mkdir()
    (home / "dags" / "toy.py").write_text(DAGS)
    (home / "dags" / "broken.py").write_text("from airflow.sdk import DAG\nraise ValueError('the value Jane')\n")
    (home / "passwords.json").write_text(json.dumps({"admin": "it's secret"}))
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "plugins"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of this test, long enough for SHA-512 to be content with it, so 64",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    command = [sys.executable, "-m", "airflow"]
    for words in (["db", "migrate"], ["dags", "reserialize"]):
        done = subprocess.run([*command, *words], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    server = Process.start("api_server", [*command, "api-server"], environment, home)
    try:
        server.wait_for_port(port, timeout=240)
        httpx.get(f"http://127.0.0.1:{port}/api/v2/version", timeout=60).raise_for_status()
        yield Airflow(f"http://127.0.0.1:{port}", "it's secret", home / "airflow.db")
    finally:
        server.stop()
