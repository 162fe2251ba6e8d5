"""The `tributary` file of a checkout: before anything is installed, before a stack was started, and after."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Instead of Python: says what it was called with.
PYTHON = """#!/bin/sh
for word in "path=$PYTHONPATH" "home=$AIRFLOW_HOME" "project=$GOOGLE_CLOUD_PROJECT" "$*"; do echo "$word"; done
exit "${STATUS:-0}"
"""


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    shutil.copy2(root / "tributary", tmp_path)
    return tmp_path


def install(checkout: Path) -> None:
    python = checkout / ".local" / "envs" / "airflow" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)


def call(checkout: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [checkout / "tributary", *words], env=environment, cwd="/", capture_output=True, text=True, check=False
    )


def test_it_says_how_to_install(checkout: Path):
    done = call(checkout, "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"run 'make install' (or 'make run') in {checkout} first" in done.stderr


def test_what_needs_no_service_works_before_a_stack_was_started(checkout: Path):
    install(checkout)
    done = call(checkout, "dump", "check", "a file", PYTHONPATH="/elsewhere")
    assert (done.returncode, done.stderr) == (0, "")
    folders = [f"path={checkout / 'plugins'}", f"home={checkout / '.local' / 'airflow'}"]
    assert done.stdout.splitlines() == [*folders, "project=", "-m tributary.cli dump check a file"]


def test_what_fails_before_a_stack_was_started_is_told_how_to_start_one(checkout: Path):
    install(checkout)
    done = call(checkout, "status", STATUS="7")
    assert done.returncode == 7
    assert "'make up' does" in done.stderr


def test_a_stack_s_environment_is_the_command_s(checkout: Path):
    install(checkout)
    lines = ("PYTHONPATH=/elsewhere", "GOOGLE_CLOUD_PROJECT='a project'")
    (checkout / ".local" / "env").write_text("\n".join(lines))
    done = call(checkout, "status", STATUS="3")
    assert (done.returncode, done.stderr) == (3, "")
    own = ["path=/elsewhere", "home=", "project=a project"]
    assert done.stdout.splitlines() == [*own, "-m tributary.cli status"]
