"""A warehouse and dbt against it, run as the DAGs run it: by a process of its own environment."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from tests.support.dbt import run_dbt

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "include" / "dbt"


@dataclass(frozen=True)
class Outcome:
    """What a dbt run said; *target* is its directory of artifacts."""

    code: int
    text: str
    target: Path

    def statuses(self) -> dict[str, str]:
        """The status of each node that was run, by its unique id."""
        results = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"]: result["status"] for result in results}


@dataclass(frozen=True)
class Warehouse:
    """The emulator, and dbt against it."""

    client: bigquery.Client
    environment: dict[str, str]
    directory: Path
    project: Path = PROJECT

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of *query* as tuples, in its order."""
        return [row.values() for row in self.client.query_and_wait(query)]

    def dbt(self, dataset: str, *arguments: str, name: str = "", **variables: object) -> Outcome:
        """Run ``dbt <arguments>`` with *variables*, writing to *dataset*; artifacts go below *name*."""
        target = self.directory / (name or dataset)
        fixed = {name: variables.pop(name) for name in ("database", "consolidated_at_once") if name in variables}
        fixed |= {} if "database" in fixed else {"consolidate": "as_of" in variables}
        of_the_day = {
            f"TRIBUTARY_{variable.upper()}": value if isinstance(value, str) else json.dumps(value)
            for variable, value in variables.items()
        }
        code, text = run_dbt(
            *arguments, "--vars", json.dumps(fixed), project=self.project, target=target,
            env=self.environment | of_the_day | {"TRIBUTARY_DBT_DATASET": dataset},
        )  # fmt: skip
        return Outcome(code, text, target)

    def build(self, app: str, database: str, dump_date: object, *arguments: str) -> Outcome:
        """One database and dump, as the task ``transform`` builds it, but for *arguments*."""
        variables = {"database": database, "dump_date": str(dump_date)}
        return self.dbt(database, "build", "--select", f"tag:{app}", *arguments, **variables)


def succeeded(outcome: Outcome) -> Outcome:
    """*outcome*, which must be a success; shows all that dbt said when it is not."""
    assert outcome.code == 0, outcome.text
    return outcome


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when *port* answers; fail when *process* ends or two minutes have gone before."""
    for _ in range(600):
        assert process.poll() is None, f"{process.args}: ended with {process.returncode} before it listened"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{process.args}: not listening on port {port} after two minutes")
