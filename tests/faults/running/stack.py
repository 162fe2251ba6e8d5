"""A whole stack to hurt: a checkout of its own with three databases, and what the tests do to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import httpx

from tests.e2e.checkout import Checkout
from tributary import naming
from tributary.airflow_api import TERMINAL, AirflowApi
from tributary.dates import logical_date
from tributary.errors import TributaryError
from tributary.registry import load_registry

# Two of one app, so that one can harm the other, and one of the other app.
DATABASES = ("shop_eu", "shop_us", "airport_lga")
ELT_DAGS = tuple(map(naming.dag_id, DATABASES))


class Stack:
    """The running stack, by its own commands and APIs."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.environment = checkout.environment
        self.schedule = load_registry(checkout.folder / "include").defaults.schedule
        names = ("URL", "USER", "PASSWORD")
        self.airflow = AirflowApi(*(self.environment[f"TRIBUTARY_AIRFLOW_{name}"] for name in names))

    @classmethod
    def start(cls, folder: Path) -> Stack:
        """A fresh checkout with DATABASES alone, its first day loaded."""
        checkout = Checkout.create(folder)
        checkout.keep_only(DATABASES)
        checkout.run("make", "run")
        return cls(checkout)

    def stop(self) -> None:
        """End every process of it."""
        self.checkout.run("make", "stop", check=False)

    @property
    def bucket(self) -> str:
        return self.environment["TRIBUTARY_DUMPS_BUCKET"]

    def next_day(self) -> str:
        """Let one more day pass in production, and leave its dumps."""
        arguments = ("advance", "--databases", ",".join(DATABASES), "--json")
        return str(json.loads(self.checkout.simulator(*arguments).splitlines()[-1])["date"])

    def load(self, day: str, *more: str) -> subprocess.Popen[str]:
        """Start loading a day; `wait` waits for it."""
        command = ["./tributary", "run", "--date", day, *more]
        return subprocess.Popen(
            command,
            cwd=self.checkout.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def consolidate(self, day: str) -> None:
        """Consolidate a day again, now that a database has landed late; returns when that has ended well."""
        logical = logical_date(date.fromisoformat(day), self.schedule).isoformat()
        run = self.airflow.start(naming.CONSOLIDATE_DAG, date.fromisoformat(day), logical)

        def state() -> str:
            return str(self.airflow.run(naming.CONSOLIDATE_DAG, run["dag_run_id"])["state"])

        self.wait_until(lambda: state() in TERMINAL, "the consolidation", 600)
        assert state() == "success"

    def letters(self, *, every: bool = False) -> list[dict[str, Any]]:
        """The dead letters after a sweep: those that are open, or all."""
        self.tributary("dead-letters", "sweep")
        option = ["--all"] if every else []
        found: list[dict[str, Any]] = json.loads(self.tributary("dead-letters", "list", *option, "--format", "json"))
        return found

    def tributary(self, *arguments: str) -> str:
        """Run the `tributary` command; returns what it printed."""
        return self.checkout.run("./tributary", *arguments).stdout

    def written_files(self) -> Iterator[tuple[str, Path]]:
        """The files that people may read, with names for them: logs, spooled records, lineage, messages."""
        local = self.checkout.folder / ".local"
        for folder in (local / "logs", local / "airflow" / "logs", local / "airflow" / "spool", local / "lineage"):
            yield from ((str(path.relative_to(local)), path) for path in folder.rglob("*") if path.is_file())
        yield from ((path.name, path) for path in (local / "cloud").glob("slack.db*"))

    def airflow_table(self, table: str) -> str:
        """All rows of a table of Airflow's database, as CSV."""
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        command: list[Any] = [
            psql, "--no-psqlrc", "--host=127.0.0.1", f"--port={self.environment['TRIBUTARY_AIRFLOW_DB_PORT']}",
            "--username=airflow", "--dbname=postgres", "--csv", f"--command=table {table}",
        ]  # fmt: skip
        password = {"PGPASSWORD": self.environment["TRIBUTARY_AIRFLOW_DB_PASSWORD"]}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, **password}
        ).stdout

    def imports(self, database: str, day: str) -> list[dict[str, Any]]:
        """Every import of the day's dumps that the Cloud SQL service has ever been asked for."""
        project = self.environment["GOOGLE_CLOUD_PROJECT"]
        url = f"{self._service('sqladmin')}/v1/projects/{project}/operations"
        params = {"instance": "staging", "maxResults": 500}
        answer = httpx.get(url, params=params, headers={"Authorization": "Bearer test"}, timeout=30)
        answer.raise_for_status()
        return [
            operation
            for operation in answer.json().get("items", [])
            if operation["operationType"] == "IMPORT" and f"/{database}/{day}/" in operation["importContext"]["uri"]
        ]

    def syncs(self, database: str) -> list[dict[str, Any]]:
        """Every job of the database's Airbyte connection, as Airbyte's API tells of them."""
        with self._airbyte() as client:
            connections = client.get("connections", params={"limit": 100}).raise_for_status().json()["data"]
            name = naming.airbyte_name(database)
            connection = next(one["connectionId"] for one in connections if one["name"] == name)
            jobs = client.get("jobs", params={"connectionId": connection, "limit": 100})
            found: list[dict[str, Any]] = jobs.raise_for_status().json()["data"]
            return found

    def running_syncs(self, database: str) -> list[dict[str, Any]]:
        """The jobs of the database's Airbyte connection that are under way."""
        return [job for job in self.syncs(database) if job["status"] in ("pending", "running")]

    def cancel_a_sync(self, database: str) -> bool:
        """Cancel a job that is under way, as a person does in Airbyte's own pages; False while there is none."""
        for job in self.running_syncs(database):
            with self._airbyte() as client:
                client.delete(f"jobs/{job['jobId']}").raise_for_status()
            return True
        return False

    @contextmanager
    def _airbyte(self) -> Iterator[httpx.Client]:
        with httpx.Client(timeout=30, base_url=f"{self._service('airbyte')}/api/public/v1/") as client:
            credentials = {
                name: self.environment[f"LOCALCLOUD_AIRBYTE_{name.upper()}"] for name in ("client_id", "client_secret")
            }
            token = client.post("applications/token", json=credentials).raise_for_status().json()
            client.headers["Authorization"] = f"Bearer {token['access_token']}"
            yield client

    def order(self, service: str, **fault: Any) -> None:
        """Have `sqladmin`, `airbyte` or `bigquery` fail when it is next asked; see localcloud/README.md."""
        httpx.post(f"{self._service(service)}/_faults", json=fault, timeout=30).raise_for_status()

    def pending(self, service: str) -> list[dict[str, Any]]:
        """The ordered faults that have not happened yet."""
        found: list[dict[str, Any]] = httpx.get(f"{self._service(service)}/_faults", timeout=30).json()
        return found

    def withdraw(self) -> None:
        """Take back every ordered fault."""
        for service in ("sqladmin", "airbyte", "bigquery"):
            httpx.delete(f"{self._service(service)}/_faults", timeout=30).raise_for_status()

    def calm(self) -> None:
        """Leave nothing of a test that failed to the next one: its faults, its records."""
        self.withdraw()
        for letter in self.letters():
            self.tributary("dead-letters", "resolve", letter["id"], "--why", "its test failed")

    def _service(self, name: str) -> str:
        return f"http://127.0.0.1:{self.environment[f'LOCALCLOUD_{name.upper()}_PORT']}"

    def pid(self, program: str) -> int:
        """The process of one of the supervised programs, which leads a group of its own."""
        state = json.loads((self.checkout.folder / ".local" / "stack.json").read_text())
        url = f"http://stack:{state['secrets']['supervisor']}@127.0.0.1:{state['ports']['supervisor']}/RPC2"
        info: Any = ServerProxy(url).supervisor.getProcessInfo(program)
        return int(info["pid"])

    def crash(self, program: str) -> None:
        """Kill a program and what it started; the supervisor starts it again."""
        os.killpg(self.pid(program), signal.SIGKILL)

    def pause(self, program: str, seconds: float) -> None:
        """A program that does not answer for a while."""
        group = self.pid(program)
        os.killpg(group, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.killpg(group, signal.SIGCONT)

    def wait_for(self, dag_id: str, day: str, task_id: str, *states: str, seconds: float = 300) -> None:
        """Return when a task of the day's run is in one of the states."""
        self.wait_until(lambda: self.state(dag_id, day, task_id) in states, f"{dag_id}.{task_id} {states}", seconds)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
        """Poll until the condition holds; fails after `seconds`."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
            time.sleep(0.3)

    def state(self, dag_id: str, day: str, task_id: str) -> str | None:
        """The state of a task of the day's run; None while there is none."""
        try:
            tasks = self.airflow.tasks(dag_id, naming.run_id(date.fromisoformat(day)))
        except TributaryError:
            return None
        return next((task["state"] for task in tasks if task["task_id"] == task_id), None)

    def run_of(self, dag_id: str, day: str) -> dict[str, Any]:
        """The run of a DAG for a day, and its tasks."""
        run = self.airflow.run(dag_id, naming.run_id(date.fromisoformat(day)))
        run["tasks"] = self.airflow.tasks(dag_id, run["dag_run_id"])
        return run
