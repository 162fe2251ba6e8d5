"""The scripts that machines start with, run for real with stand-ins for Docker and the metadata server."""

import http.server
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

from tests.infra.plan import TERRAFORM, plan

START = TERRAFORM / "modules" / "airflow_vm" / "start"
READY = TERRAFORM / "modules" / "airbyte_vm" / "ready"


@pytest.fixture
def server():
    """An HTTP server; tests put what it answers, by path, into `answers`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer = self.server.answers.get(self.path)
            if callable(answer):
                answer = answer()
            self.send_response(200 if answer is not None else 404)
            self.end_headers()
            self.wfile.write((answer or "").encode())

        def log_message(self, *_):
            pass

    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.answers = {}
    one.address = f"127.0.0.1:{one.server_port}"
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()


@pytest.fixture
def machine(tmp_path, server):
    """Runs `start` on a machine whose commands are recorded in `called`."""
    programs, called = tmp_path / "bin", tmp_path / "called"
    programs.mkdir()
    deploy = tmp_path / "image" / "deploy"
    deploy.mkdir(parents=True)
    for name in ("fetch-secrets", "up"):
        _program(deploy / name, f'echo "{name} $*" >>{called}')
    _program(programs / "docker-compose", "true")
    _program(programs / "nproc", "echo 8")
    _program(programs / "free", "echo '       total used free'; echo 'Mem:      31    2   29'")
    _program(
        programs / "docker",
        f"""echo "docker $*" >>{called}
case "$1" in
  pull) [ -f {tmp_path}/pushed ] || {{ echo "manifest unknown" >&2; exit 1; }} ;;
  create) echo c0ffee ;;
  cp) cp -r {deploy} "$3" ;;
esac""",
    )
    server.answers["/computeMetadata/v1/instance/attributes/tributary-env"] = _env(tmp_path / "logs")
    server.answers["/computeMetadata/v1/instance/service-accounts/default/token"] = '{"access_token": "t0ken"}'

    def run(**environment):
        return subprocess.run(
            [START],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "GCE_METADATA_HOST": server.address,
                "DOCKER_CONFIG": str(tmp_path / "docker"),
                "TRIBUTARY_ENV_FILE": str(tmp_path / "etc" / "env"),
                "TRIBUTARY_HOME": str(tmp_path / "opt"),
                "TRIBUTARY_HELPER": str(tmp_path / "helper"),
                "TRIBUTARY_IMAGE_PAUSE_SECONDS": "1",
                **environment,
            },
        )

    run.path, run.called = tmp_path, called
    return run


def _program(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _env(logs):
    unknown = {"TRIBUTARY_IMAGE": "us-central1-docker.pkg.dev/acme/tributary/tributary", "TRIBUTARY_LOGS": str(logs)}
    values = {**plan("example").local("env"), **unknown}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def test_a_machine_pulls_the_image_fetches_secrets_and_starts(machine):
    (machine.path / "pushed").touch()
    done = machine()
    assert done.returncode == 0, done.stderr
    calls = machine.called.read_text().splitlines()
    assert [call.split()[0] for call in calls if not call.startswith("docker")] == ["fetch-secrets", "up"]
    assert "fetch-secrets --into /run/tributary/secrets" in calls
    assert f"up {machine.path}/etc/env" in calls
    assert (machine.path / "etc" / "env").read_text().endswith(_env(machine.path / "logs"))
    assert (machine.path / "logs").stat().st_uid == 50000


@pytest.mark.parametrize(("services", "memory"), [("", 23), ("worker", 29), ("worker,log-expiry", 29)])
def test_containers_may_use_what_the_machine_has(machine, server, services, memory):
    env = _env(machine.path / "logs") + f"TRIBUTARY_SERVICES={services}\n"
    server.answers["/computeMetadata/v1/instance/attributes/tributary-env"] = env
    (machine.path / "pushed").touch()
    assert machine().returncode == 0
    limits = (machine.path / "etc" / "env").read_text().removesuffix(env).splitlines()
    assert limits == [
        "TRIBUTARY_CPUS=8",
        "TRIBUTARY_WORKER_CPUS=8",
        f"TRIBUTARY_SCHEDULER_MEMORY={memory}g",
        f"TRIBUTARY_WORKER_MEMORY={memory}g",
    ]


def test_it_waits_for_apt_while_the_machine_upgrades_itself(machine):
    (machine.path / "pushed").touch()
    # A machine without Compose, whatever the one that runs the test has.
    programs = machine.path / "bin"
    for name in "awk bash cat chmod cp curl cut dirname env grep install mkdir mv sed sleep".split():
        (programs / name).symlink_to(shutil.which(name))
    (programs / "docker-compose").unlink()
    _program(
        programs / "apt-get",
        f"""echo "apt-get $*" >>{machine.called}
[ "$(grep -c apt-get {machine.called})" -gt 2 ] || {{ echo "E: Could not get lock" >&2; exit 100; }}""",
    )
    done = machine(PATH=str(programs), TRIBUTARY_APT_PAUSE_SECONDS="0")
    assert done.returncode == 0, done.stderr
    assert "apt-get update: try 2 of 60 failed" in done.stdout
    calls = [call.split()[2] for call in machine.called.read_text().splitlines() if call.startswith("apt-get")]
    assert calls == ["update", "update", "update", "install"]


def test_it_waits_for_the_first_image_and_says_so(machine):
    threading.Timer(2.5, (machine.path / "pushed").touch).start()
    done = machine()
    assert done.returncode == 0, done.stderr
    waits = re.findall(r"waiting for \S+:0\.1\.0 since (\d) s, at most 86400 s: manifest unknown", done.stdout)
    assert waits[0] == "0"
    assert len(waits) >= 2


def test_it_gives_up_in_the_end_and_says_what_to_do(machine):
    done = machine(TRIBUTARY_IMAGE_WAIT_SECONDS="1")
    assert done.returncode == 1
    assert "tributary/tributary:0.1.0 after 1 s: manifest unknown" in done.stdout
    assert "docs/deploy.md" in done.stdout


def test_a_restart_keeps_the_version_that_an_upgrade_brought(machine):
    (machine.path / "pushed").touch()
    file = machine.path / "etc" / "env"
    file.parent.mkdir()
    file.write_text("TRIBUTARY_VERSION=0.7.3\nTRIBUTARY_LOCATION=EU\n")
    assert machine().returncode == 0
    assert "TRIBUTARY_VERSION=0.7.3\n" in file.read_text()
    assert "TRIBUTARY_LOCATION=US\n" in file.read_text()
    assert "docker pull --quiet us-central1-docker.pkg.dev/acme/tributary/tributary:0.7.3" in machine.called.read_text()


def test_the_registry_gets_the_machines_token_and_nothing_is_stored(machine, server):
    (machine.path / "pushed").touch()
    assert machine().returncode == 0
    config = (machine.path / "docker" / "config.json").read_text()
    assert config == '{"credHelpers": {"us-central1-docker.pkg.dev": "tributary"}}\n'
    answer = subprocess.run(
        [machine.path / "helper", "get"],
        input="us-central1-docker.pkg.dev",
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "GCE_METADATA_HOST": server.address},
    )
    assert '"Username": "oauth2accesstoken", "Secret": "t0ken"' in answer.stdout


def _ready(address, limit, **environment):
    return subprocess.run(
        [READY, f"http://{address}/api/v1/health", str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "AIRBYTE_READY_PAUSE": "1", **environment},
    )


def test_airbyte_is_waited_for_and_how_far_it_is_is_said(server, tmp_path):
    pods = "airbyte-server-1 0/1 Running 0\nairbyte-worker-1 1/1 Running 0\nairbyte-bootloader 0/1 Completed 0"
    _program(tmp_path / "docker", f"echo '{pods}'")
    begun = time.monotonic()
    server.answers["/api/v1/health"] = lambda: '{"available": true}' if time.monotonic() > begun + 2 else None
    done = _ready(server.address, 30, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0
    assert "at most 30 s; 1 of 2 pods ready; waiting: airbyte-server-1(Running)" in done.stdout
    assert re.search(r"ready after \d s$", done.stdout)


def test_an_airbyte_that_never_answers_is_given_up_with_a_word_where_to_look(server):
    server.answers["/api/v1/health"] = "<html>a login page of some proxy</html>"
    done = _ready(server.address, 2)
    assert done.returncode == 1
    assert re.search(r"not ready after \d+ s; the cluster does not answer yet", done.stderr)
    assert "kubectl describe pods" in done.stderr


def test_the_scripts_are_clean():
    scripts = [START, READY, TERRAFORM / "modules" / "airbyte_vm" / "start"]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert not done.stdout
