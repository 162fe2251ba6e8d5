"""What this checkout's stack remembers between commands: its ports and its generated secrets."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".local"
STATE_FILE = LOCAL / "stack.json"

# Where the search for a free port begins; only Airflow's own is one that people know by heart.
PREFERRED_PORTS = {"airflow": 8080}
FIRST_PORT = 18000
PORT_NAMES = (
    "airflow",
    "airbyte",
    "airflow_db",
    "bigquery",
    "bigquery_grpc",
    "cloud_sql",
    "dogstatsd",
    "metadata",
    "production",
    "slack",
    "sqladmin",
    "storage",
    "supervisor",
    "trigger_log",
    "worker_log",
)
SECRET_NAMES = (
    "airbyte_client",
    "airflow_admin",
    "airflow_api",
    "airflow_db",
    "airflow_jwt",
    "cloud_sql",
    "personal_data",
    "production",
    "slack_token",
    "supervisor",
)


class PortTakenError(Exception):
    """A port that was asked for by name is in use by something else."""


@dataclass
class State:
    """Ports by name and secrets by name; written to one file that only its owner can read."""

    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> State:
        """Read what was remembered; an empty state where nothing was."""
        if not STATE_FILE.exists():
            return cls()
        return cls(**json.loads(STATE_FILE.read_text()))

    def save(self) -> None:
        """Write the file, readable by its owner alone from the first byte on."""
        LOCAL.mkdir(exist_ok=True)
        descriptor = os.open(STATE_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=2)

    def complete(self) -> list[str]:
        """Choose what is missing and replace ports that something else took in the meantime.

        Call it only while the stack is down: its own ports would count as taken. Returns a line
        for a person about every port that moved. Raises PortTakenError where `AIRFLOW_PORT` asks
        for a port that is in use.
        """
        moved = []
        for name in SECRET_NAMES:
            self.secrets.setdefault(name, secrets.token_urlsafe(24))
        self.secrets.setdefault("fernet", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        wanted = os.environ.get("AIRFLOW_PORT")
        if wanted:
            if not is_free(int(wanted)):
                raise PortTakenError(
                    f"port {wanted} (AIRFLOW_PORT) is in use by another program; "
                    "choose a free one, or leave AIRFLOW_PORT out and one is found"
                )
            self.ports["airflow"] = int(wanted)
        for name in PORT_NAMES:
            before = self.ports.get(name)
            if before is not None and is_free(before):
                continue
            others = {port for other, port in self.ports.items() if other != name}
            self.ports[name] = _free_port(PREFERRED_PORTS.get(name, FIRST_PORT), others)
            if before is not None or (name in PREFERRED_PORTS and self.ports[name] != PREFERRED_PORTS[name]):
                old = before or PREFERRED_PORTS[name]
                moved.append(f"port {old} ({name}) is in use by another program; using {self.ports[name]}")
        return moved


def is_free(port: int) -> bool:
    """Whether a server could listen on that loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(first: int, taken: set[int]) -> int:
    for port in range(first, 65536):
        if port not in taken and is_free(port):
            return port
    raise PortTakenError(f"no free port on 127.0.0.1 from {first} on")
