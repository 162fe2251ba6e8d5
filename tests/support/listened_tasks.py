"""Tasks of the real DAGs, run by Airflow's own task runner while OpenLineage's provider listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stack import environment
from tests.support.lineage import Event, read_events

MOMENT = datetime(2013, 1, 2, 2, tzinfo=UTC)


class Supervisor:
    """The supervisor's end of a task: hands out XComs by the task that returned them, and keeps what is reported."""

    def __init__(self, xcoms: Mapping[str, Any]) -> None:
        self.xcoms = xcoms
        self.sent: list[Any] = []

    def send(self, msg: Any) -> Any:
        from airflow.sdk.execution_time import comms

        self.sent.append(msg)
        if isinstance(msg, comms.GetXCom):
            return comms.XComResult(key=msg.key, value=self.xcoms.get(msg.task_id))
        if isinstance(msg, comms.GetXComSequenceSlice):
            return comms.XComSequenceSliceResult(root=[self.xcoms[msg.task_id]])
        if isinstance(msg, comms.ValidateInletsAndOutlets):
            return comms.InactiveAssetsResult(inactive_assets=[])
        return None


class ListenedTasks:
    """Runs one try of a task; only what it does is the test's. The events go to `file` unless a test says otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, file: Path, transport: Mapping[str, Any] | None = None) -> None:
        from airflow.providers.openlineage.plugins.listener import get_openlineage_listener
        from airflow.sdk import listener

        self.file = file
        self.monkeypatch = monkeypatch
        settings = environment.lineage(file)
        if transport:
            whole = json.loads(settings["OPENLINEAGE__TRANSPORT"])
            settings["OPENLINEAGE__TRANSPORT"] = json.dumps({**whole, "transport": dict(transport)})
        for name, value in settings.items():
            monkeypatch.setenv(f"AIRFLOW__{name}", str(value))
        get_openlineage_listener.cache_clear()  # its client has the transport of an earlier test
        listeners = listener.get_listener_manager()
        listeners.clear()
        listeners.add_listener(get_openlineage_listener())

    def __call__(
        self,
        task: Any,
        does: Callable[[Any], Any] = lambda task: None,
        *,
        xcoms: Mapping[str, Any] | None = None,
        conf: Mapping[str, Any] | None = None,
    ) -> str:
        """The task's last state. `does` is called with the task that runs, which is a copy."""
        import structlog
        from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
        from airflow.sdk.execution_time import task_runner
        from uuid6 import uuid7

        self.monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(xcoms or {}), raising=False)
        self.monkeypatch.setattr(task, "execute", lambda context: does(context["task"]), raising=False)
        run = DagRun.model_validate(
            {
                "dag_id": task.dag_id, "run_id": "manual__2013-01-02", "logical_date": MOMENT, "run_after": MOMENT,
                "data_interval_start": MOMENT, "data_interval_end": MOMENT, "start_date": MOMENT, "end_date": None,
                "run_type": "manual", "state": "running", "conf": dict(conf or {}), "consumed_asset_events": [],
                "partition_key": None, "triggering_user_name": "Jane Doe",
            }
        )  # fmt: skip
        server = TIRunContext(dag_run=run, max_tries=0, should_retry=False)
        ti = task_runner.RuntimeTaskInstance.model_construct(
            id=uuid7(), task_id=task.task_id, dag_id=task.dag_id, run_id=run.run_id, try_number=1, map_index=-1,
            dag_version_id=uuid7(), task=task, max_tries=0, _ti_context_from_server=server,
            start_date=datetime.now(UTC), state="running",
        )  # fmt: skip
        context, log = ti.get_template_context(), structlog.get_logger("task")
        state, _, error = task_runner.run(ti, context, log)
        context["exception"] = error
        task_runner.finalize(ti, state, context, log, error)
        return str(getattr(state, "value", state))

    def events(self) -> list[Event]:
        return read_events(self.file) if self.file.exists() else []
