"""A copy of this checkout in a folder of its own, with a stack of its own on other ports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tributary.airflow_api import AirflowApi


class Checkout:
    """The project as a user has it: commands go through `make`, `./tributary` and Airflow's own CLI."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Where the local cloud writes down what it is asked and answers, if it is to.
        self.recorded: Path | None = None

    @classmethod
    def create(cls, folder: Path) -> Checkout:
        """Copy what git knows; the installed environments are shared, everything else is new."""
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            source, target = ROOT / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        (folder / ".local").mkdir()
        for name in ("envs", "uv"):
            (folder / ".local" / name).symlink_to((ROOT / ".local" / name).resolve())
        return cls(folder)

    def run(self, *command: str, check: bool = True, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command there; its output is shown where it fails though it must not."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=timeout
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the stack's processes, once it has been started."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        if self.recorded:
            variables["LOCALCLOUD_RECORD_DIR"] = str(self.recorded)
        path = self.folder / ".local" / "env"
        if path.exists():
            command = ["bash", "-c", 'set -a; . "$1"; env -0', "bash", str(path)]
            text = subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout
            variables = dict(line.split("=", 1) for line in text.split("\0") if line)
        return variables

    @cached_property
    def airflow(self) -> AirflowApi:
        """Airflow's API, once the stack has been started."""
        environment, names = self.environment, ("URL", "USER", "PASSWORD")
        return AirflowApi(*(environment[f"TRIBUTARY_AIRFLOW_{name}"] for name in names))

    def python(self, env: str) -> str:
        """The interpreter of one of the environments."""
        return str(self.folder / ".local" / "envs" / env / "bin" / "python")

    def simulator(self, *arguments: str) -> str:
        """Run the simulator's command; returns what it printed."""
        return self.run(self.python("localcloud"), "-m", "simulator", *arguments).stdout

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query, as the `tributary` command gives them."""
        rows: list[dict[str, Any]] = json.loads(self.run("./tributary", "query", sql, "--format", "json").stdout)
        return rows

    def backfill(self, dag_id: str, days: Sequence[str], timeout: float = 600) -> dict[str, str]:
        """Backfill the days through Airflow's own command; returns the state of each day's run, once all have ended."""
        self.begin_backfill(dag_id, days)
        return self.end_of_backfill(dag_id, days, timeout)

    def begin_backfill(self, dag_id: str, days: Sequence[str]) -> None:
        """Have Airflow make a run for each of the days; returns when it has."""
        airflow = str(self.folder / ".local" / "envs" / "airflow" / "bin" / "airflow")
        window = ("--from-date", days[0], "--to-date", f"{days[-1]}T03:00:00")
        # The scheduler notices every 30 seconds that all runs of the one before have ended.
        end = time.monotonic() + 90
        while any(one["completed_at"] is None for one in self._found("/api/v2/backfills", "backfills", dag_id=dag_id)):
            assert time.monotonic() < end, f"a backfill of {dag_id} does not end"
            time.sleep(2)
        self.run(airflow, "backfill", "create", "--dag-id", dag_id, *window, "--reprocess-behavior", "completed")

    def end_of_backfill(self, dag_id: str, days: Sequence[str], timeout: float = 600) -> dict[str, str]:
        """The state of each day's run, once all have ended."""
        end = time.monotonic() + timeout
        while True:
            states = {day: state for day, state in self.runs(dag_id).items() if day in days}
            if set(states) == set(days) and not {"queued", "running"} & set(states.values()):
                return states
            assert time.monotonic() < end, states
            time.sleep(2)

    def runs(self, dag_id: str) -> dict[str, str]:
        """The state of each run, by its day."""
        found = self._found(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs")
        return {run["logical_date"][:10]: run["state"] for run in found}

    def _found(self, path: str, key: str, **parameters: str) -> list[dict[str, Any]]:
        """What Airflow's API has: its commands take seconds to start."""
        return list(self.airflow._pages(path, key, {"order_by": "id", **parameters}))

    def add_database(self, name: str, **entry: Any) -> None:
        """Add one entry to the registry, or say more in one that is there."""
        with self.registry() as content:
            content["databases"][name] = {**content["databases"].get(name, {}), **entry}

    def keep_only(self, names: Sequence[str]) -> None:
        """Take all other databases out of the registry."""
        with self.registry() as content:
            content["databases"] = {name: content["databases"][name] for name in names}

    @contextmanager
    def registry(self) -> Iterator[dict[str, Any]]:
        """The registry's content, written back as it is then."""
        path = self.folder / "include" / "databases.yaml"
        content = yaml.safe_load(path.read_text())
        yield content
        path.write_text(yaml.safe_dump(content, sort_keys=False))
