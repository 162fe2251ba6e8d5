"""Airflow's metadata database as the stack starts it: a real server, in a folder that is closed to others."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from stack import postgres
from tests.support.services import Process, free_port, wait_until

PASSWORD = "of-this-test"
START = "import sys; from pathlib import Path; from stack import postgres; postgres.DATA = Path(sys.argv[1]); {}"


class Server:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "closed" / "data"
        self.data.parent.mkdir(mode=0o700)
        self.logs = folder
        self.port = free_port()
        self.process: Process | None = None

    def start(self) -> None:
        variables = {
            **os.environ,
            "TRIBUTARY_AIRFLOW_DB_PORT": str(self.port),
            "TRIBUTARY_AIRFLOW_DB_PASSWORD": PASSWORD,
        }
        command = (sys.executable, "-c", START.format("postgres.main()"), str(self.data))
        self.process = Process.start("postgres", command, variables, self.logs)
        wait_until(lambda: postgres.is_ready(self.port), "PostgreSQL")

    def stop(self) -> None:
        if self.process:
            os.kill(self.process.popen.pid, signal.SIGINT)
            self.process.popen.wait(timeout=20)
            self.process = None

    def connect(self, password: str = PASSWORD) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user=postgres.USER, password=password, dbname=postgres.DATABASE
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def query(server: Server, sql: str) -> list[tuple[object, ...]]:
    connection = server.connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_what_was_written_is_there_after_a_restart(server: Server):
    query(server, "create table runs as select 7 as id")
    server.stop()
    server.start()
    assert query(server, "select id from runs") == [(7,)]


def test_it_asks_for_the_password(server: Server):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        server.connect("another")


def test_it_listens_on_loopback_alone(server: Server):
    assert query(server, "show listen_addresses") == [("127.0.0.1",)]
    assert query(server, "show unix_socket_directories") == [("",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_starts_it_as_a_user_that_may_do_nothing_else(server: Server):
    assert server.process
    status = Path(f"/proc/{server.process.popen.pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in status)
    assert "0" not in values["Uid"].split()
    assert int(values["CapEff"], 16) == 1 << 1  # CAP_DAC_OVERRIDE
    assert server.data.stat().st_uid == int(values["Uid"].split()[0])


def test_without_a_server_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(postgres, "INSTALLED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(postgres.PostgresError, match="install the Debian package postgresql"):
        postgres.program("postgres")


def test_a_failed_preparation_leaves_no_database_that_looks_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "USER", "pg_names_are_reserved")
    with pytest.raises(postgres.PostgresError, match=r"(?s)initdb failed.*disallowed"):
        postgres.initialise(tmp_path / "data", PASSWORD)
    assert not (tmp_path / "data").exists()
