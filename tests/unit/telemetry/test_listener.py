"""Tries and runs that end in Airflow's own task runner and models, with the listener registered as Airflow does it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from tests.unit.telemetry.conftest import Agent
from tributary.errors import StageMismatchError, SyncError
from tributary.telemetry import listener, metrics

EU = {"database": "shop_eu", "app": "retail"}
TAGS = ["elt", "app:retail", "owner:shops"]


class Comms:
    """The supervisor's end, which asks nothing."""

    def send(self, msg: Any) -> Any:
        return None


Run = Callable[..., str]


@pytest.fixture
def run_try(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run one try of a task of `elt__shop_eu` as a worker does; returns its state."""
    import structlog
    from airflow.sdk import DAG, BaseOperator, Param
    from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.listener import get_listener_manager
    from uuid6 import uuid7

    from tributary.policies import RETRY_POLICY

    class Step(BaseOperator):
        def __init__(self, *, error: BaseException | None, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.error = error

        def execute(self, context: Any) -> None:
            if self.error is not None:
                raise self.error

    def run(
        error: BaseException | None = None,
        *,
        dag_id: str = "elt__shop_eu",
        task_id: str = "sync",
        tags: list[str] = TAGS,
        try_number: int = 1,
        began: timedelta = timedelta(0),
    ) -> str:
        with DAG(dag_id, schedule=None, tags=tags, params={"date": Param(None)}):
            task = Step(task_id=task_id, error=error, retries=5, retry_policy=RETRY_POLICY)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
        moment = datetime(2013, 1, 2, 2, tzinfo=UTC)
        dag_run = DagRun.model_validate(
            {
                "dag_id": dag_id, "run_id": "manual__2013-01-02", "logical_date": moment, "run_after": moment,
                "data_interval_start": moment, "data_interval_end": moment, "start_date": moment, "end_date": None,
                "run_type": "manual", "state": "running", "conf": {}, "consumed_asset_events": [],
                "partition_key": None,
            }
        )  # fmt: skip
        ti = task_runner.RuntimeTaskInstance.model_construct(
            id=uuid7(), task_id=task_id, dag_id=dag_id, run_id=dag_run.run_id, try_number=try_number, map_index=-1,
            dag_version_id=uuid7(), task=task, max_tries=5, start_date=datetime.now(UTC) - began, state="running",
            _ti_context_from_server=TIRunContext(dag_run=dag_run, max_tries=5, should_retry=try_number <= 5),
        )  # fmt: skip
        context, log = ti.get_template_context(), structlog.get_logger("task")
        state, _, failure = task_runner.run(ti, context, log)
        task_runner.finalize(ti, state, context, log, failure)
        return str(state.value)

    manager = get_listener_manager()
    manager.clear()
    manager.add_listener(listener)
    yield run
    manager.clear()


def test_a_success_tells_how_long_it_took(run_try: Run, agent: Agent):
    assert run_try() == "success"
    (sent,) = agent.heard()
    assert (sent.name, sent.type) == ("tributary.task.duration", "d")
    assert sent.tags == {**EU, "step": "sync", "state": "success"}
    assert 0 <= sent.value < 5


def test_the_time_in_which_it_was_deferred_counts(run_try: Run, agent: Agent):
    run_try(began=timedelta(hours=1))
    (sent,) = agent.heard()
    assert 3600 <= sent.value < 3610


def test_a_skipped_try_is_told_as_such(run_try: Run, agent: Agent):
    assert run_try(AirflowSkipException("not today")) == "skipped"
    assert [sent.tags["state"] for sent in agent.heard()] == ["skipped"]


@pytest.mark.parametrize(
    ("error", "try_number", "state", "reason"),
    [
        (SyncError("job 7 failed: 503 Service Unavailable"), 1, "up_for_retry", "unavailable"),
        (SyncError("job 7 failed: 503 Service Unavailable"), 6, "failed", "unavailable"),
        (StageMismatchError("12 rows, 11 rows"), 1, "failed", "mismatch"),
        (SystemExit(3), 6, "failed", "unknown"),
    ],
)
def test_a_failure_is_counted_by_what_its_error_means_and_whether_it_is_tried_again(
    run_try: Run, agent: Agent, error: BaseException, try_number: int, state: str, reason: str
):
    assert run_try(error, try_number=try_number) == state
    duration, failure = agent.heard()
    assert duration.tags == {**EU, "step": "sync", "state": state}
    assert (failure.name, failure.type, failure.value) == ("tributary.task.failures", "c", 1)
    assert failure.tags == {**EU, "step": "sync", "state": state, "reason": reason}


def test_no_words_of_an_error_are_sent(run_try: Run, agent: Agent):
    run_try(SyncError("password=hunter2 of jane@example.com"), try_number=6)
    assert not any("hunter2" in str(sent) or "jane" in str(sent) for sent in agent.heard())


@pytest.mark.parametrize(
    ("task_id", "tags"),
    [
        ("transform.orders_run", {"step": "transform", "model": "orders"}),
        ("transform.dbt_producer_watcher", {"step": "transform"}),
    ],
)
def test_a_model_s_task_is_the_step_transform_and_names_its_model(
    run_try: Run, agent: Agent, task_id: str, tags: dict[str, str]
):
    run_try(task_id=task_id)
    (sent,) = agent.heard()
    assert sent.tags == {**EU, **tags, "state": "success"}


def test_the_consolidation_has_no_app_and_other_dags_tell_nothing(run_try: Run, agent: Agent):
    run_try(dag_id="consolidate", tags=["consolidate"], task_id="publish")
    run_try(dag_id="somebody_elses")
    run_try(dag_id="housekeeping")
    (sent,) = agent.heard()
    assert sent.tags == {"database": "consolidate", "step": "publish", "state": "success"}


def test_without_an_agent_a_task_ends_as_ever(run_try: Run, agent: Agent, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DD_AGENT_HOST", "")
    assert run_try(SyncError("broken"), try_number=6) == "failed"
    assert agent.heard() == []


def test_a_listener_that_fails_does_not_reach_the_task(
    run_try: Run, agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delattr(metrics, "timing")
    assert run_try() == "success"
    assert "The metrics of this event were not sent" in caplog.text


@pytest.fixture
def in_scheduler() -> Iterator[Any]:
    """The listeners of Airflow's own processes."""
    from airflow.listeners.listener import get_listener_manager

    manager = get_listener_manager()
    manager.clear()
    manager.add_listener(listener)
    yield manager
    manager.clear()


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_ends_is_counted(in_scheduler: Any, agent: Agent, state: str):
    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    run = DagRun(dag_id="elt__shop_eu", run_id="manual__2013-01-02", state=state)
    run.dag = DAG("elt__shop_eu", schedule=None, tags=TAGS)
    run.notify_dagrun_state_changed(msg="it ended")
    DagRun(dag_id="consolidate", run_id="manual__2013-01-02", state=state).notify_dagrun_state_changed(msg="")
    DagRun(dag_id="elt__shop_eu", run_id="manual__2013-01-03", state="running").notify_dagrun_state_changed(msg="")
    first, second = agent.heard()
    assert (first.name, first.type, first.value) == ("tributary.runs.finished", "c", 1)
    assert first.tags == {**EU, "state": state}
    assert second.tags == {"database": "consolidate", "state": state}


def airflows_own_ti(state: str = "success") -> Any:
    """A task instance as the scheduler and the API server have it, without its DAG; it took 90 s."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk import DAG, BaseOperator
    from uuid6 import uuid7

    with DAG("elt__shop_eu", schedule=None):
        task = BaseOperator(task_id="sync")
    ti = TaskInstance(task, dag_version_id=uuid7(), run_id="manual__2013-01-02", state=state)
    ti.task, ti.start_date = None, datetime.now(UTC)
    ti.end_date = ti.start_date + timedelta(seconds=90)
    return ti


def test_a_task_whose_process_was_lost_is_told_by_the_scheduler(in_scheduler: Any, agent: Agent):
    words = "Task did not emit heartbeat within time limit (120 seconds)"
    ti = airflows_own_ti(state="up_for_retry")
    in_scheduler.hook.on_task_instance_failed(previous_state="running", task_instance=ti, error=words)
    duration, failure = agent.heard()
    assert (duration.value, duration.tags["state"]) == (90, "up_for_retry")
    assert failure.tags == {"database": "shop_eu", "step": "sync", "state": "up_for_retry", "reason": "not_reported"}


def test_what_a_person_marks_by_hand_is_no_try(in_scheduler: Any, agent: Agent):
    hook = in_scheduler.hook
    hook.on_task_instance_success(previous_state=None, task_instance=airflows_own_ti())
    hook.on_task_instance_failed(previous_state=None, task_instance=airflows_own_ti(state="failed"), error="by hand")
    assert agent.heard() == []


def test_a_task_pays_less_than_five_milliseconds(run_try: Run, agent: Agent):
    run_try()
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    ti = RuntimeTaskInstance.model_construct(
        dag_id="elt__shop_eu", task_id="sync", task=None, start_date=datetime.now(UTC), end_date=datetime.now(UTC)
    )
    costs = []
    for _ in range(50):
        start = time.perf_counter()
        listener.on_task_instance_success("running", ti)
        costs.append(time.perf_counter() - start)
    assert sorted(costs)[25] < 0.005


LOADED = """
import sys
from airflow.plugins_manager import AirflowPlugin
before = set(sys.modules)
from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory
plugins, errors = _load_plugins_from_plugin_directory(sys.argv[1])
print([plugin.name for plugin in plugins], errors, [len(plugin.listeners) for plugin in plugins])
print(*sorted(set(sys.modules) - before))
"""


def test_airflow_finds_the_plugin_alone_and_imports_little_for_it(root: Path):
    command = [sys.executable, "-W", "ignore", "-c", LOADED, str(root / "plugins")]
    done = subprocess.run(command, cwd=root / "plugins", check=True, capture_output=True, text=True)
    found, imported = done.stdout.splitlines()[-2:]
    assert found == "['tributary'] {} [1]"
    assert "tributary.telemetry.listener" in imported.split()
    heavy = (
        "datadog",
        "pydantic",
        "google",
        "cosmos",
        "great_expectations",
        "tributary.pipeline",
        "registry",
        "naming",
    )
    assert not [name for name in imported.split() if name.startswith(heavy)]
