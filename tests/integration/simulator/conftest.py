"""A MariaDB server and a storage emulator on free ports, for the time of the session."""

import contextlib
import getpass
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest
import requests
from google.cloud import storage

from localcloud.mysql import initialise, program, temporary_directory
from simulator.apps import DEFAULT_DATABASES
from simulator.production import connect, execute
from simulator.settings import Settings
from simulator.state import SCHEMA

START_TIMEOUT_SECONDS = 30
BUCKET = "dumps"
PASSWORD = "it's a secret"
EXTRA_DATABASES = ("shop_uk", "airport_two", "restored")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=START_TIMEOUT_SECONDS)


def wait_until(process: subprocess.Popen[bytes], ready: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(pymysql.MySQLError, requests.RequestException):
            ready()
            return
        time.sleep(0.1)
    pytest.fail(f"{what} does not answer; exit status: {process.poll()}")


@pytest.fixture(scope="session")
def mysql_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a MariaDB server that knows the user `company`."""
    home = tmp_path_factory.mktemp("mariadb")
    start = home / "start.sql"  # one statement a line; localhost, because a nameless user of that host exists
    start.write_text(
        f'create user company@localhost identified by "{PASSWORD}";\ngrant all on *.* to company@localhost;\n'
    )
    datadir = home / "data"
    initialise(datadir)
    port = free_port()
    with running(
        program("mariadbd"),
        "--no-defaults",
        f"--user={getpass.getuser()}",
        f"--datadir={datadir}",
        f"--tmpdir={temporary_directory(datadir)}",
        f"--socket={home}/mysql.sock",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=64M",
        f"--init-file={start}",
    ) as process:
        login = {"host": "127.0.0.1", "port": port, "user": "company", "password": PASSWORD}
        wait_until(process, lambda: pymysql.connect(**login).close(), "MariaDB")
        yield port


@pytest.fixture(scope="session")
def storage_url() -> Iterator[str]:
    """Address of a storage emulator that holds the bucket."""
    port = free_port()
    program = Path(sys.executable).with_name("gcp-storage-emulator")
    options = ["--host=127.0.0.1", f"--port={port}", f"--default-bucket={BUCKET}", "-M", "-q"]
    with running(program, "start", *options) as process:
        url = f"http://127.0.0.1:{port}"
        bucket_url = f"{url}/storage/v1/b/{BUCKET}"
        wait_until(process, lambda: requests.get(bucket_url, timeout=2).raise_for_status(), "storage emulator")
        yield url


@pytest.fixture(scope="session")
def settings(mysql_port: int, storage_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The environment of a simulated company with its servers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALCLOUD_PRODUCTION_HOST", "127.0.0.1")
        patch.setenv("LOCALCLOUD_PRODUCTION_PORT", str(mysql_port))
        patch.setenv("LOCALCLOUD_PRODUCTION_USER", "company")
        patch.setenv("LOCALCLOUD_PRODUCTION_PASSWORD", PASSWORD)
        patch.setenv("LOCALCLOUD_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        patch.setenv("STORAGE_EMULATOR_HOST", storage_url)
        patch.setenv("GOOGLE_CLOUD_PROJECT", "tributary-local")
        patch.setenv("TRIBUTARY_DUMPS_BUCKET", BUCKET)
        yield Settings.from_environment()


@pytest.fixture(scope="module")
def bucket(settings: Settings) -> storage.Bucket:
    """The bucket of dumps; empty when a module begins, as the server is."""
    with connect(settings) as connection:
        for name in (*DEFAULT_DATABASES, *EXTRA_DATABASES, SCHEMA):
            execute(connection, f"drop database if exists `{name}`")
    bucket = storage.Client().bucket(BUCKET)
    for blob in bucket.list_blobs():
        blob.delete()
    return bucket
