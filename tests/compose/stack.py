"""A deployment in containers to hurt: two workers, and the local cloud beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.compose.engine import POSTGRES, REDIS, build, docker
from tests.conftest import ROOT
from tests.e2e.checkout import Checkout
from tests.faults.running.stack import DATABASES, Stack
from tests.support.services import free_port
from tributary.airflow_api import AirflowApi
from tributary.registry import load_registry

sys.path.insert(0, str(ROOT / "deploy"))
from deployment import Container, Deployment
from settings_file import Settings, read

WORKERS = 2
# The local cloud's services that the tests ask, and the ports they have in their containers.
ASKED = {
    "storage": 8000, "bigquery": 8000, "sqladmin": 8000, "airbyte": 8000, "cloud-sql": 3306, "production": 3306,
}  # fmt: skip


class ComposeStack(Stack):
    """The deployment, by its own scripts and by Docker."""

    def __init__(self, checkout: Checkout, ports: dict[str, int]) -> None:
        self.checkout = checkout
        self.environment = _environment(checkout.folder, ports)
        self.schedule = load_registry(checkout.folder / "include").defaults.schedule
        self.airflow = AirflowApi(f"http://127.0.0.1:{ports['airflow']}", "admin", self.secret("admin_password"))
        settings = checkout.folder / ".env"
        self.deployment = Deployment(Settings(settings, read(settings), checkout.folder))

    @classmethod
    def create(cls, folder: Path) -> ComposeStack:
        """A checkout of its own with DATABASES alone, its settings and secrets; nothing runs yet."""
        checkout = Checkout.create(folder)
        checkout.keep_only(DATABASES)
        ports = {name: free_port() for name in (*ASKED, "airflow", "dogstatsd", "slack")}
        published = {name: {"ports": [f"127.0.0.1:{ports[name]}:{inside}"]} for name, inside in ASKED.items()}
        (folder / "docker-compose.override.yaml").write_text(yaml.safe_dump({"services": published}))
        settings = {
            "COMPOSE_PROJECT_NAME": f"tributary-test-{folder.name}",
            "COMPOSE_PROFILES": "local,workers",
            "TRIBUTARY_EXECUTOR": "CeleryExecutor",
            "TRIBUTARY_WORKERS": WORKERS,
            "TRIBUTARY_IMAGE": "tributary-test",
            "TRIBUTARY_VERSION": "1",
            "LOCALCLOUD_VERSION": "1",
            "TRIBUTARY_ENV_FILE": "deploy/local.env",
            "TRIBUTARY_PORT": ports["airflow"],
            "LOCALCLOUD_DOGSTATSD_PAGE": ports["dogstatsd"],
            "LOCALCLOUD_SLACK_PAGE": ports["slack"],
            "POSTGRES_IMAGE": POSTGRES,
            "REDIS_IMAGE": REDIS,
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        checkout.run(sys.executable, "deploy/secrets", "--local")
        return cls(checkout, ports)

    def build(self, version: str, *targets: str) -> None:
        """Build the images of a version: `tributary`, and `localcloud` where it is named."""
        for target in ("tributary", *targets):
            image = f"tributary-test{'' if target == 'tributary' else f'-{target}'}:{version}"
            build(self.checkout.folder, image, "--target", target, "--build-arg", f"VERSION={version}")

    def script(self, name: str, *arguments: str) -> str:
        """Run one of deploy/'s scripts; returns what it printed."""
        return self.checkout.run(sys.executable, f"deploy/{name}", *arguments, timeout=3600).stdout

    def stop(self) -> None:
        """Remove every container, network and volume of it."""
        self.deployment.compose("down", "--volumes", "--timeout", "10", check=False)

    def secret(self, name: str) -> str:
        return (self.checkout.folder / "secrets" / name).read_text()

    def container(self, service: str) -> Container:
        """The one running container of a service."""
        (found,) = self.deployment.running(service)
        return found

    def worker_named(self, hostname: str) -> Container:
        """The running worker that Airflow knows by that name: its container's id, or its name in the network."""
        for one in self.deployment.running("worker"):
            if hostname.startswith(one.details["Config"]["Hostname"]) or hostname.split(".")[0] == one.name:
                return one
        raise AssertionError(f"no running worker is called {hostname!r}")

    def kill(self, container: Container) -> None:
        """SIGKILL for all of it; it stays down until `revive`."""
        docker("kill", "--signal", "KILL", container.id)

    def freeze(self, containers: Iterable[Container]) -> None:
        """Let them stand still, until `thaw` or `kill`."""
        docker("pause", *(one.id for one in containers))

    def thaw(self, containers: Iterable[Container]) -> None:
        for one in containers:
            docker("unpause", one.id)

    def revive(self, container: Container) -> None:
        """Start what was killed, and wait until it is well."""
        docker("start", container.id)
        self.deployment.wait()

    def next_day(self) -> str:
        arguments = ("advance", "--databases", ",".join(DATABASES), "--json")
        return str(json.loads(self.simulator(*arguments).splitlines()[-1])["date"])

    def simulator(self, *arguments: str) -> str:
        """Run the simulator beside the demo's cloud; returns what it printed."""
        return self.deployment.output("run", "--rm", "--no-deps", "-T", "demo", "python", "-m", "simulator", *arguments)

    def load(self, day: str, *more: str) -> subprocess.Popen[str]:
        command = ["docker", "exec", self.container("watch").id, "tributary", "run", "--date", day, *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def tributary(self, *arguments: str) -> str:
        return docker("exec", self.container("watch").id, "tributary", *arguments)

    def written_files(self) -> Iterator[tuple[str, Path]]:
        for container in self.deployment.containers():
            log = Path(container.details["LogPath"])
            yield from ((f"{container.service}'s {path.name}", path) for path in log.parent.glob(f"{log.name}*"))
        for volume, pattern in (("logs", "**/*"), ("state", "**/*"), ("localcloud", "slack.db*")):
            folder = Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", self._volume(volume)))
            files = (path for path in folder.glob(pattern) if path.is_file())
            yield from ((f"{volume}/{path.relative_to(folder)}", path) for path in files)

    def airflow_table(self, table: str) -> str:
        psql = ("psql", "--no-psqlrc", "--username=airflow", "--dbname=airflow", "--csv", f"--command=table {table}")
        return docker("exec", self.container("postgres").id, *psql)

    def _volume(self, name: str) -> str:
        return f"{self.deployment.settings.project}_{name}"

    def pid(self, program: str) -> int:
        return int(self.container(program).details["State"]["Pid"])

    def crash(self, program: str) -> None:
        """Kill a service's main process; Docker starts the container again."""
        os.kill(self.pid(program), 9)

    def pause(self, program: str, seconds: float) -> None:
        container = self.container(program)
        docker("pause", container.id)
        try:
            time.sleep(seconds)
        finally:
            docker("unpause", container.id)

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """What Airflow knows of a task; nothing while there is none."""
        return next((one for one in self.airflow.tasks(dag_id, run_id) if one["task_id"] == task_id), {})


def _environment(folder: Path, ports: dict[str, int]) -> dict[str, str]:
    """The variables with which programs of this machine reach the services."""
    inside = dict(
        line.split("=", 1) for line in (folder / "deploy" / "local.env").read_text().splitlines() if "=" in line
    )
    names = ("GOOGLE_CLOUD_PROJECT", "TRIBUTARY_DUMPS_BUCKET", "LOCALCLOUD_AIRBYTE_CLIENT_ID")
    values = {file.name: file.read_text() for file in (folder / "secrets").iterdir() if file.name != "connections.json"}
    secrets = {
        f"LOCALCLOUD_{name.upper()}": values[f"local_{name}"]
        for name in ("airbyte_client_secret", "cloud_sql_password", "production_password", "slack_token")
    }
    # Under such names the oracle looks for them in all that was written.
    looked_for = {f"MOUNTED_{name.upper()}_SECRET": value for name, value in values.items()}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        **{name: inside[name] for name in names},
        **secrets,
        **looked_for,
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{ports['storage']}",
        "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{ports['bigquery']}",
        "LOCALCLOUD_BIGQUERY_PORT": str(ports["bigquery"]),
        "LOCALCLOUD_SQLADMIN_PORT": str(ports["sqladmin"]),
        "LOCALCLOUD_AIRBYTE_PORT": str(ports["airbyte"]),
        "LOCALCLOUD_DOGSTATSD_PORT": str(ports["dogstatsd"]),
        "LOCALCLOUD_CLOUD_SQL_HOST": "127.0.0.1",
        "LOCALCLOUD_CLOUD_SQL_PORT": str(ports["cloud-sql"]),
        "LOCALCLOUD_CLOUD_SQL_USER": "root",
        "LOCALCLOUD_PRODUCTION_PORT": str(ports["production"]),
    }
