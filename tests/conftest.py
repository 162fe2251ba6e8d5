"""What all tests share."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# Hooks of pytest, for the tests of all folders.
from tests.support.fault_table import pytest_runtest_logreport, pytest_runtest_makereport, pytest_terminal_summary
from tributary.telemetry import metrics

__all__ = ("ROOT", "pytest_runtest_logreport", "pytest_runtest_makereport", "pytest_terminal_summary")

ROOT = Path(__file__).resolve().parents[1]

# The machine is shared with a browser and services: what takes long at one time says nothing.
settings.register_profile("tributary", deadline=None)
settings.load_profile("tributary")

# A metric or tag that the catalogue does not have fails the test that sends it.
metrics.strict = True


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def manifest(root: Path) -> Path:
    """dbt's manifest, with what else the DAGs are made from: made where it is missing or older than the project."""
    path = root / "include" / "dbt" / "target" / "manifest.json"
    path.parent.mkdir(exist_ok=True)
    # Several processes of tests may miss it at once.
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        dbt = os.environ.get("TRIBUTARY_DBT_EXECUTABLE", "dbt")
        command = [str(root / "stack" / "dbt-artifacts"), dbt, "--without-page"]
        subprocess.run(command, check=True, env={**os.environ, "GOOGLE_CLOUD_PROJECT": "tributary-local"})
    return path
