"""A BigQuery emulator with raw data, and a function that runs dbt against it as the DAGs do: by subprocess.

``TRIBUTARY_DBT_EXECUTABLE`` names dbt, which has an environment of its own; ``TRIBUTARY_BQEMULATOR`` names the
emulator's executable, by default the one beside this Python. Without them the tests fail, they are never skipped.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "include" / "dbt"
PROJECT_ID = "tributary-local"
EMULATOR = "from localcloud import bigquery, bqemulator_fixes; bqemulator_fixes.apply(); bigquery.main()"
METADATA = "from localcloud import metadata; metadata.main()"


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

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of *query* as tuples, in its order."""
        return [row.values() for row in self.client.query_and_wait(query)]

    def dbt(self, dataset: str, *arguments: str, name: str = "", **variables: object) -> Outcome:
        """Run ``dbt <arguments>`` with *variables*, writing to *dataset*; artifacts go below *name*."""
        target = self.directory / (name or dataset)
        options = ["--vars", json.dumps(variables), "--target-path", str(target), "--log-path", str(target)]
        process = subprocess.run(  # noqa: S603
            [os.environ["TRIBUTARY_DBT_EXECUTABLE"], "--no-use-colors", *arguments, *options],
            env=self.environment | {"TRIBUTARY_DBT_DATASET": dataset},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Outcome(process.returncode, process.stdout + process.stderr, target)

    def build(self, app: str, database: str, dump_date: object, *arguments: str) -> Outcome:
        """One database and dump, as the task ``transform`` builds it, but for *arguments*."""
        variables = {"database": database, "dump_date": str(dump_date)}
        return self.dbt(database, "build", "--select", f"tag:{app}", *arguments, **variables)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when *port* answers; fail when *process* ends or half a minute has gone before."""
    for _ in range(150):
        assert process.poll() is None, f"{process.args}: ended with {process.returncode} before it listened"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{process.args}: not listening on port {port} after 30 s")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    directory = tmp_path_factory.mktemp("dbt")
    rest, grpc, metadata = _free_port(), _free_port(), _free_port()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
        "GCE_METADATA_HOST": f"127.0.0.1:{metadata}",
        "GCE_METADATA_IP": f"127.0.0.1:{metadata}",
        "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{rest}",
        "LOCALCLOUD_STATE_DIR": str(directory / "state"),
        "LOCALCLOUD_BIGQUERY_PORT": str(rest),
        "LOCALCLOUD_BIGQUERY_GRPC_PORT": str(grpc),
        "LOCALCLOUD_METADATA_PORT": str(metadata),
    }
    emulator = Path(os.environ.get("TRIBUTARY_BQEMULATOR") or Path(sys.executable).with_name("bqemulator"))
    python = str(emulator.with_name("python"))
    services = [
        (rest, subprocess.Popen([python, "-c", EMULATOR], env=environment)),  # noqa: S603
        (metadata, subprocess.Popen([python, "-c", METADATA], env=environment)),  # noqa: S603
    ]
    try:
        for port, process in services:
            _wait_for(port, process)
        client = bigquery.Client(
            PROJECT_ID,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=environment["BIGQUERY_EMULATOR_HOST"]),
        )
        del environment["PYTHONPATH"]  # dbt's environment is its own.
        yield Warehouse(client, environment, directory)
    finally:
        for _, process in services:
            process.terminate()
        for _, process in services:
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def succeed() -> Callable[[Outcome], Outcome]:
    """Checks that a run succeeded, and shows all it said when it did not."""

    def check(outcome: Outcome) -> Outcome:
        assert outcome.code == 0, outcome.text
        return outcome

    return check
