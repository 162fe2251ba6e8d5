"""`airflow api-server` behind the login of a deployment: its settings, its accounts, its secrets as files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.services import ROOT, Process, free_port

JWT_SECRET = "a secret of this test, long enough for SHA-512 to be content with it, so 64"
API_KEY = "another secret of this test"
PASSWORDS = {
    "admin": "the admin's password",
    "tributary": "the service's password",
    "viewer": "the viewer's password",
    "operator": "the operator's password",
}

DAGS = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("elt__shop_eu", schedule=None, start_date=None):
    EmptyOperator(task_id="find_dump") >> EmptyOperator(task_id="sync") >> EmptyOperator(task_id="reconcile")
"""

# What the one-shot service of a deployment does before the others start; in one process: each start costs seconds.
PREPARE = """
import sys
from airflow.cli.cli_parser import get_parser
for words in (["db", "migrate"], ["dags", "reserialize"]):
    arguments = get_parser().parse_args(words)
    arguments.func(arguments)
from tributary.cli import app
app(["accounts", "--secrets", sys.argv[1]], standalone_mode=False)
# For the tests: every route of Airflow's API and of its login, the latter's pages too.
from airflow.api_fastapi.core_api.routes.public import public_router
from airflow.api_fastapi.core_api.routes.ui import ui_router
from airflow.providers.fab.auth_manager.api_fastapi.routes import router as login
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
login.register_routes()
for router, prefix in ((public_router, ""), (ui_router, ""), (login.auth_router, "/auth"), (login.fab_router, "/auth")):
    for route in router.routes:
        for method in route.methods:
            print("API", method, prefix + route.path)
with get_application_builder() as builder:
    for rule in builder.get_app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            print("PAGE", method, "/auth" + rule.rule)
"""


@dataclass
class Door:
    """A running API server, and what its deployment consists of."""

    url: str
    home: Path
    environment: dict[str, str]
    process: Process
    prepared: str = ""

    @property
    def secrets(self) -> Path:
        """The folder with one file per secret."""
        return self.home / "secrets"

    def token(self, user: str, password: str | None = None) -> str:
        """What a login gives; raises where it is refused."""
        body = {"username": user, "password": password or PASSWORDS[user]}
        answer = httpx.post(f"{self.url}/auth/token", json=body, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, token: str | None = None) -> httpx.Client:
        """Somebody who asks, with a token or without."""
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def write_connections(self, **connections: Mapping[str, Any]) -> None:
        """The connections of Airflow's secrets backend; the file is replaced as a whole, as deployments do it."""
        new = self.secrets / "connections.new"
        new.write_text(json.dumps(connections))
        new.rename(self.secrets / "connections.json")

    def routes(self, kind: str) -> list[tuple[str, str]]:
        """Method and path of everything that Airflow serves: its `API`, or each `PAGE` of its login."""
        lines = [line.split() for line in self.prepared.splitlines() if line.startswith(f"{kind} ")]
        return [(method, re.sub(r"\{[^}]+\}|<[^>]+>", "1", path)) for _, method, path in lines]

    def prepare(self) -> None:
        """Migrate the database, read the DAGs, make the accounts."""
        command = [sys.executable, "-c", PREPARE, str(self.secrets)]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        self.prepared = done.stdout


def login_settings() -> dict[str, str]:
    """What a deployment sets (`deploy/login.env`)."""
    lines = (ROOT / "deploy" / "login.env").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert found["AIRFLOW__FAB__CONFIG_FILE"] == "/opt/tributary/deploy/webserver_config.py"
    return found | {"AIRFLOW__FAB__CONFIG_FILE": str(ROOT / "deploy" / "webserver_config.py")}


@contextmanager
def door(home: Path, variables: Mapping[str, str]) -> Iterator[Door]:
    """A deployment's API server over a database of its own below `home`, with further environment variables."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for folder in ("dags", "secrets", "docs"):
        (home / folder).mkdir(parents=True)
    (home / "dags" / "elt.py").write_text(DAGS)
    (home / "docs" / "index.html").write_text("<html><head></head><body>the models</body></html>")
    for name, account in (("admin_password", "admin"), ("service_password", "tributary")):
        (home / "secrets" / name).write_text(PASSWORDS[account] + "\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "TRIBUTARY_"))},
        **login_settings(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "plugins"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": f"{home}/secrets/connections.json"}),
        "AIRFLOW__API_AUTH__JWT_SECRET": JWT_SECRET,
        "AIRFLOW__API__SECRET_KEY": API_KEY,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": url,
        # For how long an account is remembered (s): 30 in a deployment.
        "AIRFLOW__FAB__CACHE_TTL": "2",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__COSMOS__DBT_DOCS_PROJECTS": json.dumps({"tributary": {"dir": str(home / "docs")}}),
        "TRIBUTARY_SPOOL_DIR": str(home / "spool"),
        **variables,
    }
    command = [sys.executable, "-m", "airflow", "api-server"]
    found = Door(url, home, environment, Process("api-server", None, home / "api-server.log"))  # type: ignore[arg-type]
    google = {"conn_type": "google_cloud_platform", "extra": {"project": "tributary-test", "num_retries": 0}}
    found.write_connections(airflow_api={"conn_type": "http", "host": url}, google_cloud_default=google)
    found.prepare()
    found.process = Process.start("api-server", command, environment, home)
    try:
        found.process.wait_for_port(port, timeout=300)
        _add_people(found)
        yield found
    finally:
        found.process.stop()


def _add_people(door: Door) -> None:
    """A viewer and an operator, as an admin adds them."""
    admin = door.client(door.token("admin"))
    for name, role in (("viewer", "Viewer"), ("operator", "Op")):
        person = {
            "username": name, "email": f"{name}@example.com", "first_name": name, "last_name": "of the test",
            "roles": [{"name": role}], "password": PASSWORDS[name],
        }  # fmt: skip
        admin.post("/auth/fab/v1/users", json=person).raise_for_status()
