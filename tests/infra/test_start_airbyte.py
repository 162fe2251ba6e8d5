"""The script that Airbyte's machine starts with, run for real with stand-ins for its disk, Docker, abctl and Google."""

import base64
import hashlib
import json
import os
import subprocess
import tarfile

import pytest
import yaml

from tests.infra.plan import TERRAFORM

START = TERRAFORM / "modules" / "airbyte_vm" / "start"
VERSION = "0.30.4"
MADE_UP = "t0ken"
SECRETS = ("password", "client-id", "client-secret")
FOLDERS = ("dev", "root", "usr/local/bin", "usr/local/sbin", "var/log")


@pytest.fixture
def machine(tmp_path):
    """Runs `start`; `called` has the commands that it gave, `answers` what the metadata server and Google say."""
    root, programs, answers, called = (tmp_path / name for name in ("root", "bin", "answers", "called"))
    for folder in (programs, answers, *(root / name for name in FOLDERS)):
        folder.mkdir(parents=True)
    for name in ("blkid", "mount", "resize2fs", "systemctl", "docker"):
        _program(programs / name, f'echo "{name} $*" >>{called}')
    _program(programs / "mountpoint", f"[ -f {tmp_path}/mounted ] || {{ touch {tmp_path}/mounted; exit 1; }}")
    # The address stands last; `--config -` brings the token by standard input.
    _program(
        programs / "curl",
        f"""echo "curl $*" >>{called}
output=/dev/stdout
while [ $# -gt 1 ]; do
  case "$1" in --output) output=$2 ;; --config) cat >{answers}/header ;; esac
  shift
done
case "$1" in
  */secrets/*) name=${{1#*/secrets/}}; name=${{name%%/*}} ;;
  *) name=${{1##*/}} ;;
esac
cat {answers}/"$name" >"$output"
""",
    )
    archive = _archive(
        tmp_path,
        f"""echo "abctl $*" >>{called}
while [ $# -gt 0 ]; do
  if [ "$1" = --secret ]; then cat "$2" >{tmp_path}/auth; fi
  shift
done""",
    )
    (answers / archive.name).write_bytes(archive.read_bytes())
    for name, text in {
        "airbyte-abctl-version": VERSION,
        "airbyte-abctl-sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "airbyte-chart-version": "2.0.19",
        "airbyte-ready": f'#!/bin/sh\necho "ready $*" >>{called}\n',
        "project-id": "acme-tributary",
        "token": json.dumps({"access_token": MADE_UP}),
    }.items():
        (answers / name).write_text(text)
    for name in SECRETS:
        _secret(answers, name, f"the {name}")

    def run():
        return subprocess.run(
            [START],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": f"{programs}:{root}/usr/local/bin:{os.environ['PATH']}", "AIRBYTE_ROOT": str(root)},
        )

    run.path, run.root, run.answers, run.called = tmp_path, root, answers, called
    return run


def _program(path, body):
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


def _archive(folder, body):
    _program(folder / "abctl", body)
    archive = folder / f"abctl-v{VERSION}-linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "abctl", f"abctl-v{VERSION}-linux-amd64/abctl")
    return archive


def _secret(answers, name, value):
    data = base64.b64encode(value.encode()).decode()
    (answers / f"tributary-airbyte-{name}").write_text(json.dumps({"payload": {"data": data}}))


def _calls(machine, program):
    return [call for call in machine.called.read_text().splitlines() if call.split()[0] == program]


def test_airbyte_is_installed_with_the_secrets_that_airflow_knows(machine):
    done = machine()
    assert done.returncode == 0, done.stderr
    (installed,) = _calls(machine, "abctl")
    assert "local install --port 8000" in installed
    assert installed.endswith("--chart-version 2.0.19")
    assert f"--volume {machine.root}/var/lib/airbyte/pod-logs:/var/log/pods" in installed
    auth = yaml.safe_load((machine.path / "auth").read_text())
    assert auth["metadata"]["name"] == "airbyte-auth-secrets"
    assert auth["stringData"] == {f"instance-admin-{name}": f"the {name}" for name in SECRETS}
    assert _calls(machine, "ready") == ["ready http://localhost:8000/api/v1/health 2700"]


def test_no_secret_is_left_on_the_disk_or_given_as_an_argument(machine):
    assert machine().returncode == 0
    assert f"Bearer {MADE_UP}" in (machine.answers / "header").read_text()
    called = machine.called.read_text()
    for secret in (MADE_UP, *(f"the {name}" for name in SECRETS)):
        assert secret not in called
        kept = [path for path in machine.root.rglob("*") if path.is_file() and secret in path.read_text()]
        assert not kept


def test_an_abctl_that_is_another_file_is_refused_and_not_run(machine):
    (machine.answers / "airbyte-abctl-sha256").write_text("0" * 64)
    done = machine()
    assert done.returncode == 1
    assert f"expected {'0' * 64} (variable abctl_sha256)" in done.stdout
    assert not _calls(machine, "abctl")


def test_run_again_it_ends_no_sync(machine):
    """Docker and the pods stay as they are, and abctl is not fetched anew."""
    assert machine().returncode == 0
    assert "systemctl restart docker" in _calls(machine, "systemctl")
    machine.called.write_text("")
    done = machine()
    assert done.returncode == 0, done.stderr
    assert "systemctl restart docker" not in _calls(machine, "systemctl")
    assert not [call for call in _calls(machine, "docker") if "rollout" in call]
    assert not [call for call in _calls(machine, "curl") if "/releases/" in call]
    assert len(_calls(machine, "abctl")) == 1


def test_pods_start_again_with_a_secret_that_has_changed(machine):
    assert machine().returncode == 0
    _secret(machine.answers, "client-secret", "another one")
    assert machine().returncode == 0
    cluster = "airbyte-abctl-control-plane"
    restart = f"docker exec {cluster} kubectl --namespace airbyte-abctl rollout restart deployment"
    assert _calls(machine, "docker").count(restart) == 1
