"""What it costs to build the DAGs of many databases: `python -m benchmarks.parsing [DATABASES ...]`.

For each number of databases (10, 100 and 1,000), five times (`--runs`) in turns, each in a process of its own:
`dags/elt.py` as the DAG processor reads it, and stores it; the same as a task reads it, which builds its own DAG alone;
and as a baseline one task group of Cosmos for each database, as its documentation shows it. CPU seconds in a process as
the DAG processor and the executors fork them, with its imports done, the registry read and a DAG built, and the largest
resident memory: medians, and the range of what building and storing take together. Then 100 processes (`--versions`)
with other hash seeds, and how many versions of the DAGs Airflow would have stored. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import keep_figures, row, shown

ROOT = Path(__file__).resolve().parents[1]

PLAIN = """
from datetime import datetime
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode
from tributary.dbt import dbt_executable
from tributary.dbt_artifacts import MANIFEST, PROJECT
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
import gc, hashlib, json, logging, os, re, runpy, sys, time
logging.disable(logging.CRITICAL)
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from tributary.preload import OF_FILES, leave_garbage_to_the_end, preload
preload(OF_FILES)
if "_AIRFLOW_PARSING_CONTEXT_DAG_ID" not in os.environ:
    leave_garbage_to_the_end()
gc.freeze()
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
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
    "version": hashlib.sha256("".join(stored).encode()).hexdigest()[:7],
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


WAYS: dict[str, tuple[str, bool]] = {
    "dags/elt.py": ("elt.py", False),
    "the same, by a task": ("elt.py", True),
    "a group of Cosmos each": ("plain.py", False),
}
COLUMNS = (
    "databases",
    "what is read",
    "n",
    "DAGs",
    "build, CPU s",
    "store, CPU s",
    "both, CPU s",
    "kB a DAG",
    "peak MB",
)


def costs(sizes: list[int], runs: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Print the table of what is built; returns its lines, and what was measured for each."""
    lines, singles = [], []
    print(row(COLUMNS), row(["---"] * len(COLUMNS)), sep="\n")
    for databases in sizes:
        taken: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        with checkout(databases) as root:
            last = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": f"elt__shop_{databases - 1:05}"}
            for turn in range(runs):
                for way, (file, by_a_task) in list(WAYS.items())[:: 1 if turn % 2 == 0 else -1]:
                    taken[way].append(parse(root, file, **(last if by_a_task else {})))
        for way, found in taken.items():
            lines.append(line(databases, way, found))
            singles.append({"databases": databases, "way": way, "found": found})
            print(row(lines[-1].values()), flush=True)
    return lines, singles


def line(databases: int, way: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """A line of the table: medians."""
    build, store, kilobytes, peak = (
        statistics.median(one[figure] for one in found) for figure in ("build", "store", "kilobytes", "peak")
    )
    both = shown([one["build"] + one["store"] for one in found], 2)
    dags = found[0]["dags"]
    cells = (databases, way, len(found), dags, round(build, 2), round(store, 2), both, round(kilobytes), round(peak))
    return dict(zip(COLUMNS, cells, strict=True))


def versions(times: int) -> int:
    """How many versions of ten DAGs so many parses make; printed, too."""

    def version(seed: int) -> str:
        return str(parse(root, "elt.py", PYTHONHASHSEED=str(seed))["version"])

    with checkout(10) as root, ThreadPoolExecutor(os.cpu_count()) as pool:
        # The first one alone: it makes Airflow's folder.
        found = {version(0), *pool.map(version, range(1, times))}
    print(f"\n{times} parses of ten DAGs in processes with other hash seeds: {len(found)} version(s).")
    return len(found)


def main() -> None:
    """Measure what the command line asks for, and print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.parsing", description=__doc__)
    parser.add_argument("databases", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--versions", type=int, default=100)
    options = parser.parse_args()
    lines, singles = costs(options.databases, options.runs)
    found = versions(options.versions)
    keep_figures("parsing", lines=lines, singles=singles, parses=options.versions, versions_made=found)


if __name__ == "__main__":
    main()
