"""Airflow's metadata database: ``python -m stack.postgres``, a PostgreSQL server in this checkout's folder.

Prepares an empty data directory, then becomes the server (``exec``), so that whoever started this
process stops the server with a signal to it. It listens on loopback only, has no UNIX socket (whose
path may have 107 characters only) and asks for a password.

PostgreSQL refuses to run as root. Where root started this, the server runs as the user that Debian's
package made, ``postgres``, with one capability: to pass folders that are closed to it, because a
checkout may lie in root's own home. The data directory alone is its own.

Environment: ``TRIBUTARY_AIRFLOW_DB_PORT``, ``TRIBUTARY_AIRFLOW_DB_PASSWORD``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.state import LOCAL

DATA = LOCAL / "airflow-db"
USER = "airflow"
DATABASE = "postgres"  # the one that a new data directory has
SERVER_USER = "postgres"
INSTALLED = Path("/usr/lib/postgresql")

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Every Airflow process keeps a pool, every worker may open one.
    "max_connections": "200",
    "shared_buffers": "64MB",
    # A power cut may lose the last second of runs, and no more: they can be run again.
    "synchronous_commit": "off",
    # Airflow's queries are short.
    "jit": "off",
}


class PostgresError(Exception):
    """The server cannot be prepared; the message says why and what to do."""


def program(name: str) -> str:
    """Path of one of the server's programs; Debian keeps them by version, off the PATH."""
    by_version = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(by_version[-1]) if by_version else shutil.which(name)
    if found is None:
        raise PostgresError(f"{name} not found: install the Debian package postgresql")
    return found


def prefix() -> list[str]:
    """What stands before a command so that it may run: nothing, unless this is root."""
    if os.geteuid() != 0:
        return []
    capabilities = "-all,+dac_override"
    return [
        "setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--clear-groups",
        f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}", f"--bounding-set={capabilities}",
    ]  # fmt: skip


def initialise(data: Path, password: str) -> None:
    """Make the data directory unless it is there; a broken attempt leaves nothing that looks like one."""
    if (data / "PG_VERSION").exists():
        return
    fresh = data.with_name(data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(fresh, SERVER_USER, SERVER_USER)
    command = [
        *prefix(), program("initdb"), f"--pgdata={fresh}", f"--username={USER}", "--pwfile=/dev/stdin",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, check=False)
    if done.returncode:
        raise PostgresError(f"initdb failed in {fresh}:\n{done.stdout}{done.stderr}")
    shutil.rmtree(data, ignore_errors=True)
    fresh.rename(data)


def is_ready(port: int) -> bool:
    """Whether the server lets clients in; its port answers earlier."""
    return (
        subprocess.run([program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0
    )


def main() -> None:
    """Prepare the data directory, become the server."""
    port, password = os.environ["TRIBUTARY_AIRFLOW_DB_PORT"], os.environ["TRIBUTARY_AIRFLOW_DB_PASSWORD"]
    try:
        initialise(DATA, password)
        command = [*prefix(), program("postgres"), "-D", str(DATA), "-p", port]
    except PostgresError as error:
        sys.exit(str(error))
    for name, value in SERVER_SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
