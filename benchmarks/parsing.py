"""What it costs to build the DAGs of many databases: `python -m benchmarks.parsing [DATABASES ...] [--versions N]`.

For each number of databases (10, 100 and 1,000), each in a process of its own: `dags/elt.py` as the DAG processor
reads it, and stores it; the same as a task reads it, which builds its own DAG alone; and as a baseline one task group
of Cosmos for each database, as its documentation shows it. CPU seconds in a process as the DAG processor and the
executors fork them, with its imports done and a DAG built, and the largest resident memory. Then N (100) processes with
other hash seeds, and how many versions of the DAGs Airflow would have stored. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import keep_figures

ROOT = Path(__file__).resolve().parents[1]

PLAIN = """
from datetime import datetime
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode
from tributary.dbt import MANIFEST, PROJECT, dbt_executable
from tributary.registry import load_registry

for name in load_registry().databases:
    with DAG(dag_id=f"plain__{name}", start_date=datetime(2013, 1, 1), schedule="0 2 * * *") as dag:
        DbtTaskGroup(
            group_id="transform",
            project_config=ProjectConfig(PROJECT, manifest_path=MANIFEST),
            profile_config=ProfileConfig(
                profile_name="tributary", target_name="bigquery", profiles_yml_filepath=PROJECT / "profiles.yml"
            ),
            execution_config=ExecutionConfig(
                execution_mode=ExecutionMode.WATCHER, dbt_executable_path=dbt_executable()
            ),
            render_config=RenderConfig(select=["tag:retail"]),
            operator_args={"vars": {"database": name}},
        )
    globals()[dag.dag_id] = dag
"""

CHILD = """
import gc, hashlib, json, logging, re, runpy, sys, time
logging.disable(logging.CRITICAL)
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from tributary.preload import OF_FILES, preload
preload(OF_FILES)
gc.freeze()
begin = time.process_time()
found = runpy.run_path(sys.argv[1])
dags = [one for name, one in sorted(found.items()) if isinstance(one, DAG) and name != "dag"]
built = time.process_time()
stored = [json.dumps(DagSerialization.to_dict(one), sort_keys=True) for one in dags]
ended = time.process_time()
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({
    "dags": len(dags), "build": built - begin, "store": ended - built, "peak": peak,
    "kilobytes": sum(map(len, stored)) / 1e3 / len(stored),
    "version": hashlib.sha256("".join(stored).encode()).hexdigest(),
}))
"""


@contextmanager
def checkout(databases: int) -> Iterator[Path]:
    """A copy of what the DAGs are made from, with that many shops in its registry."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("dags", "plugins", "include"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        file = root / "include" / "databases.yaml"
        registry = yaml.safe_load(file.read_text())
        registry["databases"] = {f"shop_{number:05}": {"app": "retail"} for number in range(databases)}
        file.write_text(yaml.safe_dump(registry, sort_keys=False))
        (root / "dags" / "plain.py").write_text(PLAIN)
        yield root


def parse(root: Path, file: str, **variables: str) -> dict[str, Any]:
    """Read a file of DAGs in a new process; what it cost."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(root / "airflow"),
        "AIRFLOW__COSMOS__CACHE_DIR": str(root / "cosmos"),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "GOOGLE_CLOUD_PROJECT": "tributary-local",
        "PYTHONPATH": str(root / "plugins"),
        "TRIBUTARY_DBT_EXECUTABLE": str(ROOT / ".local" / "envs" / "dbt" / "bin" / "dbt"),
        **variables,
    }
    command = [sys.executable, "-c", CHILD, f"dags/{file}"]
    done = subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(*cells: object) -> None:
    """One line of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def costs(sizes: list[int]) -> list[dict[str, Any]]:
    """Print the table of what is built; returns its lines."""
    lines = []
    row("databases", "what is read", "DAGs", "build, CPU s", "store, CPU s", "kB a DAG", "peak MB")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for databases in sizes:
        with checkout(databases) as root:
            last = f"elt__shop_{databases - 1:05}"
            for what, file, variables in (
                ("dags/elt.py", "elt.py", {}),
                ("the same, by a task", "elt.py", {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": last}),
                ("a group of Cosmos each", "plain.py", {}),
            ):
                seen = parse(root, file, **variables)
                lines.append({"databases": databases, "what": what, **seen})
                numbers = (f"{seen[name]:.2f}" for name in ("build", "store"))
                row(databases, what, seen["dags"], *numbers, f"{seen['kilobytes']:.0f}", f"{seen['peak']:.0f}")
    return lines


def versions(times: int) -> int:
    """How many versions of ten DAGs so many parses make; printed, too."""
    with checkout(10) as root:
        found = {parse(root, "elt.py", PYTHONHASHSEED=str(seed))["version"] for seed in range(times)}
    print(f"\n{times} parses of ten DAGs in processes with other hash seeds: {len(found)} version(s).")
    return len(found)


def main() -> None:
    """Measure what the command line asks for, and print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.parsing", description=__doc__)
    parser.add_argument("databases", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--versions", type=int, default=100)
    options = parser.parse_args()
    lines = costs(options.databases)
    found = versions(options.versions)
    keep_figures("parsing", lines=lines, parses=options.versions, versions_made=found)


if __name__ == "__main__":
    main()
