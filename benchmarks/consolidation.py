"""What one changed database costs `consolidate`: `python -m benchmarks.consolidation [DATABASES ...] [--runs N]`.

For each number of shops (1, 10, 100; 1,000 rows in each of their marts) a warehouse of its own in which all are
published. Then, in turns between the warehouses, N (5) times: one shop lands anew, and what the tasks of `consolidate`
do is done, without Airflow: the plan, dbt, the checks, the publication. Prints wall time, the CPU of all processes, the
BigQuery jobs, their statements (a script has many), and the rows that dbt built and statements changed, as the audited
tables and the jobs have them. What a job copies from a version to the next are no rows here: BigQuery reads none.

Needs `TRIBUTARY_DBT_EXECUTABLE`, and `TRIBUTARY_BQEMULATOR`, the emulator's program.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from benchmarks.measuring import in_turns, keep, table
from tests.support.published import client_of
from tests.support.services import LocalCloud
from tributary import editions, naming, publishing
from tributary.consolidation import Plan
from tributary.dbt_artifacts import PROJECT
from tributary.ledger.reading import partition_contents
from tributary.ledger.store import OpsStore, execute
from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.suites import suites_for
from tributary.registry import load_registry

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

APP = "retail"
ROWS = 1_000
DAY = date(2013, 1, 2)
LOCATION = "US"
# A value of each type in the row of that number; all columns of a row say the same, so that keys find each other.
VALUES = {
    "int64": "n",
    "string": "cast(n as string)",
    "numeric": "cast(n as numeric)",
    "float64": "cast(n as float64)",
    "bool": "true",
    "date": f"date '{DAY}'",
    "datetime": f"datetime '{DAY} 01:02:03'",
    "timestamp": f"timestamp '{DAY} 01:02:03+00'",
}


@dataclass
class Shops:
    """A warehouse in which so many shops have landed."""

    client: Client
    count: int
    folder: Path
    environment: dict[str, str]
    landings: int = 0

    def __post_init__(self) -> None:
        self.store = OpsStore(self.client, LOCATION)
        self.contract = load_registry().contracts[APP]
        self.names = [f"shop_{number:04}" for number in range(self.count)]
        self.apps, self.tables = {APP: self.names}, {APP: self.contract.mart_names}

    def make(self) -> None:
        """Marts of every shop, counted in the ledger, and all of them published."""
        columns = consolidated_columns()
        for name in self.names:
            self.client.create_dataset(name)
            script = [
                f"create table {name}.{mart} partition by _dump_date as select "  # noqa: S608
                + ", ".join(f"{VALUES[kind]} as {column}" for column, kind in columns[mart].items())
                + f" from unnest(generate_array(1, {ROWS})) as n;"
                for mart in self.contract.mart_names
            ]
            execute(self.client, "\n".join(script))
        contents = partition_contents(self.client, self.names[0], self.contract.mart_names, DAY.isoformat())
        same = dict.fromkeys(self.names, contents)
        self.store.record_databases("marts", same, days=dict.fromkeys(self.names, DAY), run_id="elt")
        self.store.append_all("runs", [{**self.landing(name), "state": "landed"} for name in self.names])
        self.consolidate()

    def one_lands(self) -> None:
        """One shop has other marts than readers have; they are consolidated."""
        self.landings += 1
        self.store.append("runs", [{**self.landing(self.names[0]), "state": "landed"}])
        self.consolidate()

    def landing(self, name: str) -> dict[str, Any]:
        """What `ops.runs` says of one."""
        return {
            "database": name, "dump_date": DAY.isoformat(), "run_id": "elt", "dump_uri": f"gs://dumps/{name}",
            "dump_generation": self.landings, "row_count": ROWS * len(self.contract.mart_names),
        }  # fmt: skip

    def consolidate(self) -> None:
        """What the tasks of the DAG do, one after the other."""
        plan = self.plan()
        self.build(plan)
        older = plan.older(self.store, "run")
        base = plan.base_of(self.apps, self.tables, older)
        result = run_checkpoint(
            client=self.client,
            suites=suites_for(self.contract, "consolidated"),
            dataset=naming.CONSOLIDATED_AUDIT,
            parameters={mart: {"databases": list(plan.changed)} for mart in self.contract.mart_names},
            unchanged=base,
        )
        if not result.success:
            raise RuntimeError(result.failure_message())
        publishing.publish(
            self.client,
            LOCATION,
            run_id=f"run_{self.landings}",
            apps=self.apps,
            tables=self.tables,
            plan=plan,
            keep=3,
        )

    def plan(self) -> Plan:
        """As `await_databases` makes it."""
        landed, base = self.store.landed(DAY), editions.held_by_readers(self.store)
        return Plan.made(DAY.isoformat(), landed, self.apps, {APP: "as it is"}, base, {*self.names})

    def build(self, plan: Plan) -> None:
        """As dbt's task does."""
        of_the_run = {
            "TRIBUTARY_DBT_DATASET": naming.CONSOLIDATED_AUDIT,
            "TRIBUTARY_AS_OF": json.dumps(dict(plan.changed)),
            "TRIBUTARY_APPS": json.dumps(self.apps),
        }
        paths = ["--profiles-dir", ".", "--target-path", str(self.folder), "--log-path", str(self.folder)]
        subprocess.run(
            [os.environ["TRIBUTARY_DBT_EXECUTABLE"], "--quiet", "build", "--select", "tag:consolidated",
             "--exclude-resource-type", "unit_test", "--vars", '{"consolidate": true}', *paths],
            cwd=PROJECT,
            env={**os.environ, **self.environment, **of_the_run},
            check=True,
        )  # fmt: skip

    def jobs(self) -> list[Any]:
        """All BigQuery jobs so far, the newest first."""
        return list(self.client.list_jobs(all_users=True, max_results=10**6))

    def work_since(self, before: int) -> Work:
        """What was done after so many jobs."""
        jobs = self.jobs()
        new = jobs[: len(jobs) - before]
        queries = [job for job in new if job.job_type == "query"]
        changed = sum(job.num_dml_affected_rows or 0 for job in queries)
        return Work(len(new), sum(statements_in(job.query) for job in queries), changed)

    def built(self) -> int:
        """The rows of the audited tables, which dbt makes anew each time."""
        return sum(
            self.client.get_table(f"{naming.CONSOLIDATED_AUDIT}.{mart}").num_rows for mart in self.contract.mart_names
        )


class Work(NamedTuple):
    """Jobs, their statements, and the rows that statements changed."""

    jobs: int
    statements: int
    changed: int


def statements_in(sql: str) -> int:
    """How many statements a text has."""
    bare = re.sub(r"\'(?:[^\'\\]|\\.)*\'|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/", "", sql, flags=re.DOTALL)
    return sum(1 for part in bare.split(";") if part.strip())


def consolidated_columns() -> dict[str, dict[str, str]]:
    """By mart, the type of each of its columns."""
    import yaml

    found = {}
    for file in sorted((PROJECT / "models" / APP / "marts").glob("*.yml")):
        (model,) = yaml.safe_load(file.read_text())["models"]
        found[file.stem] = {column["name"]: column["data_type"].lower() for column in model["columns"]}
    return found


@contextmanager
def warehouse(count: int, folder: Path) -> Iterator[tuple[Shops, list[int]]]:
    """Shops in an emulator of their own, and its process."""
    cloud = LocalCloud(folder, python=str(Path(os.environ["TRIBUTARY_BQEMULATOR"]).with_name("python")))
    with cloud.running("metadata", "bigquery"), pytest.MonkeyPatch.context() as patch:
        variables = cloud.variables()
        patch.setenv("BIGQUERY_EMULATOR_HOST", variables["BIGQUERY_EMULATOR_HOST"])
        client = client_of(cloud.project)
        yield Shops(client, count, folder / "dbt", variables), [cloud.processes["bigquery"].popen.pid]


def main(arguments: list[str]) -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    logging.disable(logging.INFO)  # Great Expectations tells of every rule
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        warehouses: dict[str, Shops] = {}
        roots: list[int] = []
        for count in options.databases:
            shops, pids = stack.enter_context(warehouse(count, Path(folder) / str(count)))
            shops.make()
            shops.one_lands()
            warehouses[f"1 of {count}"] = shops
            roots += pids
        before = {name: len(shops.jobs()) for name, shops in warehouses.items()}
        costs = in_turns(options.runs, {name: shops.one_lands for name, shops in warehouses.items()}, roots)
        baseline = next(iter(costs))
        notes = []
        for name, shops in warehouses.items():
            work, built = shops.work_since(before[name]), shops.built()
            jobs, statements, changed = (number / options.runs for number in work)
            notes.append(
                f"- {name}: a run has {jobs:.1f} BigQuery jobs and {statements:.1f} statements; dbt builds {built:,} "
                f"rows, and statements change {changed:,.0f}."
            )
    print(table(costs, baseline), "\n".join(notes), sep="\n\n")
    print(keep("consolidation", costs, baseline, notes=["\n".join(notes)]))


if __name__ == "__main__":
    main(sys.argv[1:])
