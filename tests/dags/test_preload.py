"""What the scheduler and the DAG processor do before they fork: the processes of tasks and files find it done."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

# A task's process: what it imports to read its DAG, after the imports of the process that it was forked from.
READ = """
import json, sys
from tributary.preload import OF_TASKS, preload
preload([name for name in OF_TASKS if name.startswith(("airflow.dag_processing", "tributary.pipeline"))])
before = set(sys.modules)
from airflow.dag_processing.bundles.local import LocalDagBundle
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder="dags/elt.py", safe_mode=False, bundle_path="dags")
print(json.dumps({"dags": len(bag.dags), "errors": bag.import_errors, "imported": sorted(set(sys.modules) - before)}))
"""


@pytest.mark.usefixtures("manifest")
def test_a_task_imports_nothing_to_read_its_dag(root: Path, airflow_home: Path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / "plugins"),
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "elt__shop_eu",
    }
    command = [sys.executable, "-c", READ]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["dags"] == 1
    assert found["errors"] == {}
    assert [name for name in found["imported"] if not name.startswith("unusual_prefix_")] == []


# What `tributary.airbyte` uses of Airbyte's client, after the imports of the process that was forked.
USE = """
import importlib, json, re, sys
from pathlib import Path
from tributary.preload import OF_TASKS
for name in OF_TASKS:
    if name.startswith("airbyte_api"):
        importlib.import_module(name)
before = set(sys.modules)
import airbyte_api
from airbyte_api import api, models
client = airbyte_api.AirbyteAPI(server_url="http://127.0.0.1:1")
code = Path("plugins/tributary/airbyte.py").read_text()
used = re.findall(r"(?:api|client)[.](connections|destinations|jobs|sources|workspaces)[.]", code)
for name in used:
    getattr(client, name)
for module, name in re.findall(r"(requests|models)[.]([A-Z]\\w+)", code):
    getattr({"requests": api, "models": models}[module], name)
imported = sorted(name for name in set(sys.modules) - before if name.startswith("airbyte_api"))
print(json.dumps({"used": sorted(set(used)), "imported": imported}))
"""


def test_a_task_imports_nothing_of_airbyte_s_client(root: Path):
    environment = {**os.environ, "PYTHONPATH": str(root / "plugins")}
    command = [sys.executable, "-c", USE]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "used": ["connections", "destinations", "jobs", "sources", "workspaces"],
        "imported": [],
    }


@pytest.mark.parametrize(
    ("command", "executor", "done"),
    [
        ("scheduler", "LocalExecutor", ["server", "tasks"]),
        ("scheduler --num-runs 1", "CeleryExecutor,LocalExecutor", ["server", "tasks"]),
        ("scheduler", "CeleryExecutor", []),
        ("scheduler --daemon", "LocalExecutor", ["tasks"]),
        ("scheduler --help", "LocalExecutor", []),
        ("celery worker", "CeleryExecutor", ["server", "tasks"]),
        ("celery worker -D", "CeleryExecutor", ["tasks"]),
        ("dag-processor", "LocalExecutor", ["files", "no garbage"]),
        ("triggerer", "LocalExecutor", []),
        ("api-server", "LocalExecutor", []),
        ("tasks list scheduler", "LocalExecutor", []),
    ],
)
def test_each_process_has_what_its_forks_need(
    command: str, executor: str, done: list[str], root: Path, airflow_home: Path, monkeypatch: pytest.MonkeyPatch
):
    # Before the patches, because it runs what is tested.
    importlib.import_module("airflow.settings")
    from tributary import dbt_process, preload

    did: list[str] = []
    names = {preload.OF_TASKS: "tasks", preload.OF_FILES: "files"}
    monkeypatch.setattr(preload, "preload", lambda modules: did.append(names[modules]))
    monkeypatch.setattr(preload, "leave_garbage_to_the_end", lambda: did.append("no garbage"))
    monkeypatch.setattr(preload, "look_for_garbage_less_often", lambda: did.append("less often"))
    monkeypatch.setattr(dbt_process, "start_server", lambda: did.append("server"))
    monkeypatch.setattr(sys, "argv", ["airflow", *command.split()])
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    runpy.run_path(str(root / "plugins" / "airflow_local_settings.py"))
    assert did == ["less often", *done]


def test_garbage_is_looked_for_less_often_and_not_among_what_was_imported(root: Path):
    code = """
import gc
from tributary.preload import look_for_garbage_less_often, preload
looks = []
gc.callbacks.append(lambda phase, info: looks.append(phase))
before = gc.get_threshold()[0]
preload(["tributary.pipeline"])
look_for_garbage_less_often()
print(gc.isenabled(), len(looks), gc.get_freeze_count() > 100_000, gc.get_threshold()[0] > before)
"""
    environment = {**os.environ, "PYTHONPATH": str(root / "plugins")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == ["True", "0", "True", "True"]


def test_what_is_forked_to_read_a_file_looks_for_no_garbage(root: Path):
    code = """
import gc, os
from tributary.preload import leave_garbage_to_the_end
leave_garbage_to_the_end()
if child := os.fork():
    ended, status = os.waitpid(child, 0)
    print(gc.isenabled(), os.waitstatus_to_exitcode(status))
else:
    os._exit(7 if gc.isenabled() else 5)
"""
    environment = {**os.environ, "PYTHONPATH": str(root / "plugins")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "5"]


def test_what_fails_before_the_fork_ends_nothing(airflow_home: Path, monkeypatch: pytest.MonkeyPatch):
    from tributary import preload, registry

    said: list[str] = []
    monkeypatch.setattr(preload.log, "exception", lambda text, *values: said.append(text % values))
    monkeypatch.setattr(registry.load_registry, "__defaults__", (airflow_home,))
    preload.preload(["tributary.no_such_module"])
    assert said == [
        "could not import tributary.no_such_module before forking",
        "could not build a DAG before forking",
    ]
