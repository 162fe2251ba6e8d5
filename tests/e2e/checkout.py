"""A copy of this checkout in a folder of its own, with a stack of its own on other ports."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT


class Checkout:
    """The project as a user has it: commands go through `make`, `./tributary` and Airflow's own CLI."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
        path = self.folder / ".local" / "env"
        if path.exists():
            command = ["bash", "-c", 'set -a; . "$1"; env -0', "bash", str(path)]
            text = subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout
            variables = dict(line.split("=", 1) for line in text.split("\0") if line)
        return variables

    def python(self, env: str) -> str:
        """The interpreter of one of the environments."""
        return str(self.folder / ".local" / "envs" / env / "bin" / "python")

    def simulator(self, *arguments: str) -> str:
        """Run the simulator's command; returns what it printed."""
        return self.run(self.python("localcloud"), "-m", "simulator", *arguments).stdout

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query, as the `tributary` command gives them."""
        import json

        rows: list[dict[str, Any]] = json.loads(self.run("./tributary", "query", sql, "--format", "json").stdout)
        return rows

    def add_database(self, name: str, **entry: Any) -> None:
        """Add one entry to the registry."""
        path = self.folder / "include" / "databases.yaml"
        registry = yaml.safe_load(path.read_text())
        registry["databases"][name] = entry
        path.write_text(yaml.safe_dump(registry, sort_keys=False))
