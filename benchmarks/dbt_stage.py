"""What the dbt stage of one database costs: `python -m benchmarks.dbt_stage [N]`.

Starts a stack in a folder of its own, loads one shop, and then builds its models N times each way (5), in turns: `dbt
build` alone; Tributary's task group; Cosmos as its documentation shows it, in the modes WATCHER and LOCAL. These three
are DAGs that hold nothing else. Prints a table in Markdown and keeps the single costs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measuring import in_turns, keep, table
from tests.e2e.checkout import Checkout
from tributary.airflow_api import TERMINAL

DATABASE, APP = "shop_eu", "retail"
DAGS = """
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode
from airflow.sdk import DAG
from tributary.dbt import MANIFEST, PROJECT, dbt_executable, dbt_task_group
from tributary.policies import DEFAULT_ARGS

VARIABLES = {{"database": {database!r}}}
ENV = {{"TRIBUTARY_DBT_DATASET": {database!r}, "TRIBUTARY_DUMP_DATE": {day!r}}}

with DAG("stage__tributary", schedule=None, default_args=DEFAULT_ARGS):
    dbt_task_group("transform", select="tag:{app}", shown={app!r}, variables=VARIABLES, env=ENV)

def of_cosmos(mode):
    with DAG(f"stage__{{mode.value}}", schedule=None) as dag:
        DbtTaskGroup(
            group_id="transform",
            project_config=ProjectConfig(PROJECT, manifest_path=MANIFEST),
            profile_config=ProfileConfig(
                profile_name="tributary", target_name="bigquery", profiles_yml_filepath=PROJECT / "profiles.yml"
            ),
            execution_config=ExecutionConfig(
                execution_mode=mode,
                invocation_mode=InvocationMode.SUBPROCESS,  # dbt has an environment of its own
                dbt_executable_path=dbt_executable(),
            ),
            render_config=RenderConfig(select=["tag:{app}"]),
            operator_args={{"vars": VARIABLES, "env": ENV, "append_env": True, "install_deps": False}},
        )
    return dag

watcher, local = of_cosmos(ExecutionMode.WATCHER), of_cosmos(ExecutionMode.LOCAL)
"""


def main(n: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        try:
            checkout.run("make", "up", timeout=1800)
            day = json.loads(checkout.simulator("advance", "--json").splitlines()[-1])["date"]
            checkout.run("./tributary", "run", "--date", day, "--database", DATABASE)
            (checkout.folder / "dags" / "stages.py").write_text(DAGS.format(database=DATABASE, app=APP, day=day))
            ways: dict[str, Callable[[], object]] = {"dbt build": partial(bare, checkout, day)}
            for name, dag in (("Tributary", "tributary"), ("Cosmos, WATCHER", "watcher"), ("Cosmos, LOCAL", "local")):
                ways[name] = partial(run, checkout, f"stage__{dag}")
            for way in ways.values():
                way()  # what only the first time costs, such as parsing the project, is nobody's
            supervisor = int((checkout.folder / ".local" / "supervisord.pid").read_text())
            costs = in_turns(n, ways, [supervisor])
        finally:
            checkout.run("make", "stop", check=False)
    print(table(costs, "dbt build"))
    print(f"\n{keep('dbt_stage', costs, 'dbt build')}")


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
    while (state := airflow.run(dag_id, run_id)["state"]) not in TERMINAL:
        time.sleep(0.5)
    if state != "success":
        raise RuntimeError(f"{dag_id}, {run_id}: {state}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
