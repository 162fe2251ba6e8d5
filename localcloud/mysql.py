"""A MariaDB server with its own data directory: ``python -m localcloud.mysql --name production|cloud_sql``.

Prepares an empty data directory, then becomes the server (``exec``), so that whoever started this process
stops the server with a signal to it. The data is disposable: nothing is flushed to the disk at commit,
and a power cut may lose the last second. Its memory settings are small.

Environment, for ``--name cloud_sql`` (for ``production`` likewise):

``LOCALCLOUD_CLOUD_SQL_PORT``      TCP port
``LOCALCLOUD_CLOUD_SQL_PASSWORD``  password of root, set at every start
``LOCALCLOUD_STATE_DIR``           the data directory is ``mysql/<name>`` below it
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import subprocess
from pathlib import Path

from localcloud.settings import CLIENTS, HOST, SettingError, number, state_dir, text

NAMES = ("production", "cloud_sql")

SERVER_SETTINGS = (
    # Small: two of these share a laptop with Airflow.
    "--innodb-buffer-pool-size=96M",
    "--innodb-log-file-size=48M",
    "--innodb-log-buffer-size=4M",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--table-open-cache=400",
    "--max-connections=80",
    "--performance-schema=OFF",
    # What was committed survives the server's death, as on the original, though not the machine's.
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--skip-log-bin",
    # As Cloud SQL for MySQL has them.
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--default-time-zone=+00:00",
    "--max-allowed-packet=256M",
    "--local-infile=OFF",
    "--skip-name-resolve",
)


def program(name: str) -> str:
    """Path of a MariaDB program; Debian keeps the server in /usr/sbin, which a plain user's PATH lacks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        raise SettingError(f"{name} not found: install the Debian packages mariadb-server and mariadb-client")
    return found


def temporary_directory(datadir: Path) -> Path:
    """Where the server of *datadir* keeps its temporary tables, made if missing.

    Each server needs its own: MariaDB removes every file named ``#sql*`` from this directory as it starts, so
    that in a shared one, such as /tmp, a server that starts takes away the tables another is working with.
    Beside the data directory and not in it, where it would be a database.
    """
    directory = datadir.with_name(f"{datadir.name}.tmp")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def initialise(datadir: Path) -> None:
    """Create the system tables in *datadir* unless they are there; a broken attempt leaves nothing behind."""
    if (datadir / "mysql").is_dir():
        return
    fresh = datadir.with_name(datadir.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    command = [
        program("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal",
        "--skip-test-db", f"--user={getpass.getuser()}", f"--datadir={fresh}",
        f"--tmpdir={temporary_directory(datadir)}", "--innodb-log-file-size=48M",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingError(f"mariadb-install-db failed in {fresh}:\n{done.stdout}{done.stderr}")
    shutil.rmtree(datadir, ignore_errors=True)
    fresh.rename(datadir)


def accounts_sql(password: str) -> str:
    """Statements that leave one administrator, root, with *password*; one a line, as --init-file wants."""
    quoted = "'" + password.replace("\\", "\\\\").replace("'", "\\'") + "'"
    lines = ["drop user if exists 'root'@'::1';"]
    for host in ("localhost", CLIENTS):
        lines.append(f"create user if not exists 'root'@'{host}';")
        lines.append(f"alter user 'root'@'{host}' identified by {quoted};")
        lines.append(f"grant all privileges on *.* to 'root'@'{host}' with grant option;")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse the command line, prepare the data directory, become mariadbd."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", choices=NAMES, required=True)
    name = parser.parse_args().name
    prefix = f"LOCALCLOUD_{name.upper()}"
    port, password = number(f"{prefix}_PORT"), text(f"{prefix}_PASSWORD")

    datadir = state_dir("mysql") / name
    initialise(datadir)
    init_file = datadir.with_name(f"{name}-accounts.sql")
    init_file.touch(mode=0o600)
    init_file.write_text(accounts_sql(password))

    server = program("mariadbd")
    os.chdir(datadir)
    command = [
        server, "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={datadir}",
        f"--tmpdir={temporary_directory(datadir)}", f"--port={port}", f"--bind-address={HOST}",
        f"--init-file={init_file}",
        # Relative to the data directory: a socket's path may have 107 bytes, a checkout's folder more.
        "--socket=server.sock", "--pid-file=server.pid", *SERVER_SETTINGS,
    ]  # fmt: skip
    os.execv(server, command)  # noqa: S606


if __name__ == "__main__":
    main()
