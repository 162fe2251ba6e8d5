"""The scan of the history finds a secret that came and went, and says nothing that gives it away."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.services import ROOT

PYTHON = ROOT / ".local" / "envs" / "scan" / "bin" / "python"
# Made up here, so that this file has no line that looks like it.
SECRET = "ghp_" + "Ab1" * 12


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    done = run("git", *identity, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scan(folder: Path) -> subprocess.CompletedProcess[str]:
    assert PYTHON.exists(), "the environment `scan` is missing; `make install-dev` installs it"
    return run(str(PYTHON), "-m", "stack.history_scan", str(folder), cwd=ROOT)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "settings.py", 'user = "nobody"\n')
    return folder


def commit(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "change")
    return git(folder, "rev-parse", "HEAD").strip()


def test_a_secret_that_was_taken_out_again_is_found_in_the_commit_that_brought_it(repository: Path):
    bad = commit(repository, "settings.py", f'user = "nobody"\ntoken = "{SECRET}"\n')
    commit(repository, "settings.py", 'user = "nobody"\n')
    done = scan(repository)
    assert done.returncode == 1
    assert f"{bad[:12]} settings.py: looks like a secret" in done.stdout
    assert "make it worthless first" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_what_is_not_committed_yet_is_found_too(repository: Path):
    (repository / "settings.py").write_text(f'token = "{SECRET}"\n')
    done = scan(repository)
    assert (done.returncode, "uncommitted settings.py" in done.stdout) == (1, True)


def test_a_line_that_was_looked_at_is_let_through_and_no_other(repository: Path):
    commit(repository, "a.py", f'token = "{SECRET}"\n')
    found = scan(repository).stdout.split()[-1]
    (repository / ".ci").mkdir()
    commit(repository, ".ci/known-strings.yaml", f"- why: made up\n  lines:\n    {found}: a.py\n")
    assert scan(repository).returncode == 0, scan(repository).stdout
    commit(repository, "a.py", f'token = "{SECRET[:-1]}2"\n')
    assert scan(repository).returncode == 1
    (repository / ".ci" / "known-strings.yaml").write_text(f"- lines:\n    {found}: a.py\n")
    done = scan(repository)
    assert "expected entries with `why` and `lines`" in done.stderr


def test_of_a_history_that_is_cut_what_is_there_is_looked_at_and_the_rest_is_named(repository: Path, tmp_path: Path):
    commit(repository, "a.py", f'token = "{SECRET}"\n')
    commit(repository, "b.py", "b = 1\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    done = scan(tmp_path / "shallow")
    assert done.returncode == 1
    assert "a.py: looks like a secret" in done.stdout
    assert "fetch-depth: 0" in done.stderr


def test_a_folder_that_is_no_clone_is_an_error(tmp_path: Path):
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    done = subprocess.run(
        [str(PYTHON), "-m", "stack.history_scan", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "expected a clone of the repository" in done.stderr
