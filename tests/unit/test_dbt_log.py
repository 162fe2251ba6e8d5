"""dbt's log: its errors are carried, and how each model ended is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tributary.errors import DbtError
from tributary.failures import classify


@pytest.fixture(autouse=True)
def airflow_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))


def line(name: str, level: str, text: str, node: dict[str, str] | None = None) -> str:
    return json.dumps({"data": {"node_info": node or {}}, "info": {"name": name, "level": level, "msg": text}})


def test_dbt_s_last_words_are_carried():
    from cosmos.hooks.subprocess import FullOutputSubprocessResult

    from tributary.dbt_log import raise_with_last_words

    log = [
        "not JSON",
        line("LogModelResult", "error", "1 of 2 ERROR creating sql table model a"),
        line("RunResultFailure", "error", "Failure in model a (a.sql)"),
        line("RunResultError", "error", "  Database Error in model a (a.sql)\n  Quota exceeded: Your table"),
        line("RunResultError", "debug", "skipped because of a"),
        line("RunResultFailure", "error", "Failure in test b (b.yml)"),
        line("RunResultError", "error", "  Got 3 results, configured to fail if != 0"),
    ]
    with pytest.raises(DbtError) as error:
        raise_with_last_words(FullOutputSubprocessResult(1, "", log))
    assert error.value.failures == (
        "Failure in model a (a.sql): Database Error in model a (a.sql)\n  Quota exceeded: Your table",
        "Failure in test b (b.yml): Got 3 results, configured to fail if != 0",
    )
    assert classify(error.value).reason == "quality"
    assert "exit code 1" in str(error.value)

    with pytest.raises(DbtError, match="the last line") as error:
        raise_with_last_words(FullOutputSubprocessResult(-signal.SIGKILL, "", ["the last line"]))
    assert classify(error.value).reason == "killed"
    raise_with_last_words(FullOutputSubprocessResult(0, "", log))


NODES = ("model.tributary.orders", "model.tributary.payments", "model.tributary.stg_orders", "test.tributary.not_null")


def events(*, debug: bool = False) -> Iterator[str]:
    """A build as dbt 1.11 tells it: a model, a view without a task, a test that fails, a model that is skipped."""
    yield "/usr/lib/python3/warning.py:1: a warning that is no JSON"
    yield "[1, 2]"
    yield line("MainReportVersion", "info", "Running with dbt=1.11.16")
    for node, status in zip(NODES, ("success", "skipped", "success", "fail"), strict=True):
        for name, state in (("NodeStart", "started"), ("NodeCompiling", "compiling"), ("NodeExecuting", "executing")):
            if debug:
                yield line(name, "debug", f"{name} {node}", {"unique_id": node, "node_status": state})
        yield line("LogStartLine", "info", f"START {node}", {"unique_id": node, "node_status": "started"})
        kind = node.partition(".")[0]
        end = {"unique_id": node, "node_status": status, "resource_type": kind}
        if status == "skipped":
            yield line("SkippingDetails", "info", f"SKIP {node}", end)
        result = json.loads(line("LogModelResult", "info", f"{status} {node}", end))
        yield json.dumps({**result, "data": {**result["data"], "execution_time": 0.25}})
        if debug:
            yield line("NodeFinished", "debug", f"Finished {node}", end)
    yield line("CommandCompleted", "info", "Command `dbt build` failed")


@pytest.fixture(params=[False, True], ids=["as usual", "with debug events"])
def told(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Any:
    """What is told of a build, and what the task's log says, with Cosmos' own reading of it and a real process."""
    from functools import partial

    from cosmos.operators._watcher.base import store_dbt_resource_status_from_log

    from tributary.dbt_log import ModelsLog

    log = list(events(debug=request.param))
    (tmp_path / "log").write_text("".join(f"{event}\n" for event in log))
    program = "import sys; sys.stdout.write(open('log').read()); sys.exit(1)"
    ended: list[tuple[str, str, float]] = []
    hook = ModelsLog(NODES[:2], lambda *one: ended.append(one))
    read = partial(store_dbt_resource_status_from_log, upstream_failure_skipped_ids=set())
    with caplog.at_level("DEBUG"):
        # A task instance that can write no XCom.
        context = {"ti": object()}
        result = hook.run_command(
            [sys.executable, "-c", program], cwd=str(tmp_path), process_log_line=read, context=context
        )
    assert result.exit_code == 1
    assert result.full_output == log
    return ended, caplog.text


def test_models_that_have_a_task_are_told_and_once_each(told: Any):
    assert [one[:2] for one in told[0]] == [(NODES[0], "success"), (NODES[1], "skipped")]
    assert told[0][0][2] == 0.25


def test_the_task_s_log_has_every_event(told: Any):
    log = told[1]
    for text in ("a warning that is no JSON", "Running with dbt=1.11.16", "Command `dbt build` failed"):
        assert text in log
    for node in NODES:
        assert f"START {node}" in log


def test_a_kill_before_dbt_has_started_ends_it(tmp_path: Path):
    from tributary.dbt_log import ModelsLog

    hook = ModelsLog((), lambda *_: None)
    hook.send_sigint()
    begun = time.monotonic()
    assert hook.run_command(["sleep", "20"], cwd=str(tmp_path)).exit_code == -signal.SIGTERM
    assert time.monotonic() - begun < 10


def test_a_kill_after_dbt_has_ended_reaches_nothing_and_fails_nothing(tmp_path: Path):
    from tributary.dbt_log import ModelsLog

    hook = ModelsLog((), lambda *_: None)
    hook.run_command(["true"], cwd=str(tmp_path))
    assert hook.sub_process is None
    ended = subprocess.Popen(["true"])
    ended.wait()
    hook.sub_process = ended  # its output is read, its exit code on its way
    hook.send_sigint()
    hook.send_sigterm()


def test_without_a_reader_the_task_s_log_has_each_line(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    from tributary.dbt_log import ModelsLog

    with caplog.at_level("INFO"):
        result = ModelsLog((), lambda *_: None).run_command(
            ["sh", "-c", 'echo "env: $HOME"'], env={}, cwd=str(tmp_path)
        )
    assert result.output == "env: "
    assert "env: " in caplog.messages
