"""`deploy/fetch-secrets` against Secret Manager's REST API: whole or not at all, in memory, and never printed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.secret_manager import PROJECT, Secrets, rest
from tests.support.services import ROOT

REQUIRED = (
    "airflow_database_url", "fernet_key", "jwt_secret", "api_secret_key", "admin_password", "service_password",
)  # fmt: skip


def secret_id(name: str) -> str:
    return f"tributary-{name.replace('_', '-')}"


@pytest.fixture
def secrets() -> Secrets:
    return Secrets({secret_id(name): f"value of {name}" for name in REQUIRED})


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that lies in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder) / "secrets"


def fetch(secrets: Secrets, into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    with rest(secrets) as address:
        variables = {
            "PATH": os.environ["PATH"],
            "GCE_METADATA_HOST": address,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"http://{address}/",
            **environment,
        }
        command = [sys.executable, "-I", str(ROOT / "deploy" / "fetch-secrets"), "--into", str(into)]
        owner = ["--owner", str(os.geteuid())]
        done = subprocess.run([*command, *owner], env=variables, capture_output=True, text=True)
    assert not any(value and value in done.stdout + done.stderr for value in secrets.values.values()), (
        "a value was printed"
    )
    return done


def test_every_secret_becomes_a_file_in_a_folder_that_its_owner_alone_may_enter(secrets: Secrets, memory: Path):
    secrets.values[secret_id("datadog_api_key")] = "value of datadog_api_key"
    done = fetch(secrets, memory)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_text() for path in memory.iterdir()}
    empty = {"sso_client_secret": "", "connections.json": "{}"}
    assert found == {name: f"value of {name}" for name in (*REQUIRED, "datadog_api_key")} | empty
    assert {stat.S_IMODE(path.stat().st_mode) for path in memory.iterdir()} == {0o444}
    assert stat.S_IMODE(memory.stat().st_mode) == 0o700
    assert {name.split("/")[1] for name in secrets.asked} == {PROJECT}


def test_what_has_not_changed_is_left_alone_and_what_has_is_named(secrets: Secrets, memory: Path):
    fetch(secrets, memory)
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in memory.iterdir()}
    assert "all as before" in fetch(secrets, memory).stdout
    secrets.values[secret_id("jwt_secret")] = "a new one"
    secrets.values[secret_id("service_password")] = "new"
    done = fetch(secrets, memory)
    assert "written: jwt_secret, service_password" in done.stdout
    assert "read only when a process starts: jwt_secret" in done.stdout
    after = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in memory.iterdir()}
    assert (memory / "jwt_secret").read_text() == "a new one"
    assert (memory / "service_password").read_text() == "new"
    assert after["fernet_key"] == before["fernet_key"]
    # A container that runs has the file itself, not its name.
    assert after["service_password"][0] == before["service_password"][0]
    assert stat.S_IMODE((memory / "service_password").stat().st_mode) == 0o444


@pytest.mark.parametrize("why", ["missing", "disabled", "empty"])
def test_a_secret_without_a_value_is_named_and_nothing_is_written(secrets: Secrets, memory: Path, why: str):
    if why == "missing":
        del secrets.values["tributary-fernet-key"]
    elif why == "disabled":
        secrets.disabled.add("tributary-fernet-key")
    else:
        secrets.values["tributary-fernet-key"] = ""
    done = fetch(secrets, memory)
    assert done.returncode == 1
    assert "no value for tributary-fernet-key" in done.stderr
    assert "gcloud secrets versions add tributary-fernet-key" in done.stderr
    assert not memory.exists()


def test_a_secret_that_the_machine_may_not_read_is_named_with_the_role_that_it_lacks(secrets: Secrets, memory: Path):
    secrets.forbidden.add("tributary-jwt-secret")
    done = fetch(secrets, memory)
    assert done.returncode == 1
    assert "tributary-jwt-secret: this machine's service account may not read it" in done.stderr
    assert "roles/secretmanager.secretAccessor" in done.stderr
    assert not memory.exists()


def test_an_answer_that_passes_is_asked_for_again(secrets: Secrets, memory: Path):
    secrets.failures += [503, 429]
    assert fetch(secrets, memory).returncode == 0
    assert secrets.failures == []


def test_a_folder_on_a_disk_is_refused(secrets: Secrets, tmp_path: Path):
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(tmp_path)], capture_output=True, text=True).stdout.strip()
    folder = Path("/usr/lib/tributary-secrets") if kind == "tmpfs" else tmp_path / "secrets"
    done = fetch(secrets, folder)
    assert done.returncode == 1
    assert "expected a tmpfs" in done.stderr
    assert secrets.asked == []
    assert not folder.exists()


def at_once(into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script without its pauses, so that nothing has to be waited for."""
    code = (
        "import sys, runpy; found = runpy.run_path(sys.argv[1]); found['_get'].__globals__['PAUSES'] = (); "
        "sys.argv = ['fetch-secrets', '--into', sys.argv[2]]; found['main']()"
    )
    command = [sys.executable, "-c", code, str(ROOT / "deploy" / "fetch-secrets"), str(into)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_machine_without_a_metadata_server_says_where_this_is_meant_to_run(memory: Path):
    done = at_once(memory, GCE_METADATA_HOST="127.0.0.1:1")
    assert done.returncode == 1
    assert "expected to run on a Compute Engine machine" in done.stderr


def test_a_machine_without_a_way_to_secret_manager_says_what_it_lacks(secrets: Secrets, memory: Path):
    nowhere = "http://127.0.0.1:1/"
    with rest(secrets) as address:
        done = at_once(memory, GCE_METADATA_HOST=address, CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER=nowhere)
    assert done.returncode == 1
    assert "Secret Manager at http://127.0.0.1:1 does not answer" in done.stderr
    assert "Cloud NAT" in done.stderr
    assert "Traceback" not in done.stderr
