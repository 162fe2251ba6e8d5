"""What the dbt stage of one database costs: `python -m benchmarks.dbt_stage [N]`.

Starts a stack in a folder of its own, loads one shop, and then builds its models N times each way (5), in turns: `dbt
build` alone, while Airflow stands still; Tributary's task group; Cosmos as its documentation shows it for a dbt in an
environment of its own, in the modes WATCHER and LOCAL. These three are DAGs that hold nothing else, each in a file of
its own. All run the same tests; unit tests are left out. Prints a table in Markdown and keeps the single costs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measuring import compared, in_turns, keep, shown, table
from benchmarks.parts import Parts
from tests.e2e.checkout import Checkout
from tributary.airflow_api import TERMINAL

DATABASE, APP = "shop_eu", "retail"
HEAD = """
from airflow.sdk import DAG
from tributary.dbt import dbt_executable, dbt_task_group
from tributary.dbt_artifacts import MANIFEST, PROJECT
from tributary.policies import DEFAULT_ARGS

VARIABLES = {{"database": {database!r}}}
ENV = {{"TRIBUTARY_DBT_DATASET": {database!r}, "TRIBUTARY_DUMP_DATE": {day!r}}}
"""
TRIBUTARY = """
with DAG("stage__tributary", schedule=None, default_args=DEFAULT_ARGS):
    dbt_task_group("transform", select="tag:{app}", shown={app!r}, variables=VARIABLES, env=ENV)
"""
COSMOS = """
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode

with DAG("stage__{mode}", schedule=None):
    DbtTaskGroup(
        group_id="transform",
        project_config=ProjectConfig(PROJECT, manifest_path=MANIFEST),
        profile_config=ProfileConfig(
            profile_name="tributary", target_name="bigquery", profiles_yml_filepath=PROJECT / "profiles.yml"
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode({mode!r}),
            invocation_mode=InvocationMode.SUBPROCESS,
            dbt_executable_path=dbt_executable(),
        ),
        render_config=RenderConfig(select=["tag:{app}"]),
        operator_args={{
            "vars": VARIABLES, "append_env": True, "install_deps": False,
            "env": {{**ENV, "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}},
        }},
    )
"""
BARE = "dbt build"
# A run that takes longer has hung.
RUN_SECONDS = 900


def main(n: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        try:
            checkout.run("make", "up", timeout=1800)
            day = json.loads(checkout.simulator("advance", "--json").splitlines()[-1])["date"]
            checkout.run("./tributary", "run", "--date", day, "--database", DATABASE)
            ways: dict[str, Callable[[], object]] = {BARE: partial(bare, checkout, day)}
            for name, mode, text in (
                ("Tributary", "tributary", TRIBUTARY),
                ("Cosmos, WATCHER", "watcher", COSMOS),
                ("Cosmos, LOCAL", "local", COSMOS),
            ):
                written = (HEAD + text).format(database=DATABASE, app=APP, day=day, mode=mode)
                (checkout.folder / "dags" / f"stage_{mode}.py").write_text(written)
                ways[name] = partial(run, checkout, f"stage__{mode}")
            for way in ways.values():
                way()  # what only the first time costs, such as parsing the project, is nobody's
            models = len([task for task in tasks_of(checkout, "stage__tributary") if task.endswith("_run")])
            costs = in_turns(n, ways, (), around=Parts(checkout).around([BARE]))
        finally:
            checkout.run("make", "stop", check=False)
    on_top = [(mine.cpu - alone.cpu) / models for mine, alone in zip(costs["Tributary"], costs[BARE], strict=True)]
    notes = [f"Of Tributary on top of dbt, for each of {models} models that have a task: {shown(on_top, 2)} CPU s."]
    pairs = [("Tributary", BARE), ("Cosmos, WATCHER", "Tributary"), ("Cosmos, LOCAL", "Tributary")]
    print(table(costs, BARE), compared(costs, pairs), *notes, sep="\n\n")
    print(keep("dbt_stage", costs, BARE, pairs, notes=notes))


def tasks_of(checkout: Checkout, dag_id: str) -> set[str]:
    """The tasks of the DAG's run that began last."""
    latest = checkout.airflow.latest_run(dag_id)
    return {task["task_id"] for task in checkout.airflow.tasks(dag_id, latest["dag_run_id"])} if latest else set()


def bare(checkout: Checkout, day: str) -> None:
    """The same models and tests by dbt alone, with a target directory that it finds again."""
    target = str(checkout.folder / ".local" / "bare")
    checkout.run(
        "env", "-C", "include/dbt", f"TRIBUTARY_DBT_DATASET={DATABASE}", f"TRIBUTARY_DUMP_DATE={day}",
        str(checkout.folder / ".local" / "envs" / "dbt" / "bin" / "dbt"), "build", "--select", f"tag:{APP}",
        "--exclude-resource-type", "unit_test", "--vars", json.dumps({"database": DATABASE}), "--profiles-dir", ".",
        "--target-path", target, "--log-path", target,
    )  # fmt: skip


def run(checkout: Checkout, dag_id: str) -> None:
    """Run the DAG to its end, which must be a success."""
    airflow, end = checkout.airflow, time.monotonic() + 120
    while dag_id not in airflow.dags() and time.monotonic() < end:
        time.sleep(2)
    run_id = f"run_{time.time():.0f}"
    airflow._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"dag_run_id": run_id, "logical_date": None})
    end = time.monotonic() + RUN_SECONDS
    while (state := airflow.run(dag_id, run_id)["state"]) not in TERMINAL and time.monotonic() < end:
        time.sleep(0.5)
    if state != "success":
        raise RuntimeError(f"{dag_id}, {run_id}: {state}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
