"""What a dump holds and what BigQuery holds, in one form that can be compared: counts and checksums."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import MySQLdb
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from tributary.contracts import Table
from tributary.privacy.ways import Personal

SCRATCH = "scratch_of_the_test"


@dataclass(frozen=True)
class Content:
    """Rows and an order-free checksum over the same columns."""

    rows: int
    checksum: str


def canonical(value: Any) -> str:
    """One text per value, whichever client it came from."""
    if value is None:
        return "∅"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return repr(value)
    return str(value)


def content_of(rows: Iterable[Iterable[Any]]) -> Content:
    """Count the rows and add up a digest of each, so that their order does not matter."""
    total, count = 0, 0
    for row in rows:
        text = "\x1f".join(map(canonical, row))
        total = (total + int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")) % (1 << 128)
        count += 1
    return Content(count, f"{total:032x}")


@contextmanager
def dump_in_mysql(environment: dict[str, str], bucket: str, name: str) -> Iterator[Any]:
    """A dump of the bucket, loaded by the plain client into a scratch database; yields a cursor there."""
    server = {
        "host": environment["LOCALCLOUD_CLOUD_SQL_HOST"],
        "port": int(environment["LOCALCLOUD_CLOUD_SQL_PORT"]),
        "user": environment["LOCALCLOUD_CLOUD_SQL_USER"],
        "password": environment["LOCALCLOUD_CLOUD_SQL_PASSWORD"],
    }
    connection = MySQLdb.connect(**server, charset="utf8mb4", autocommit=True)
    cursor = connection.cursor()
    cursor.execute("set time_zone = '+00:00'")
    cursor.execute(f"drop database if exists {SCRATCH}")
    cursor.execute(f"create database {SCRATCH} character set utf8mb4")
    try:
        # No credentials: google-auth looks for a metadata server at its import, before there is one.
        client_of_storage = storage.Client(
            project="tributary-local",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": environment["STORAGE_EMULATOR_HOST"]},
        )
        packed = client_of_storage.bucket(bucket).blob(name).download_as_bytes()
        client = ["mariadb", "--no-defaults", f"--host={server['host']}", f"--port={server['port']}"]
        subprocess.run(
            ["bash", "-c", 'gunzip | "$@"', "bash", *client, f"--user={server['user']}", SCRATCH],
            input=packed,
            check=True,
            env={**environment, "MYSQL_PWD": server["password"]},
        )
        cursor.execute(f"use {SCRATCH}")
        yield cursor
    finally:
        cursor.execute(f"drop database if exists {SCRATCH}")
        connection.close()


def mysql_content(
    cursor: Any, table: str, definition: Table, environment: dict[str, str], columns: Sequence[str] = ()
) -> Content:
    """A table of the scratch database, by the columns that are copied or some of them, hashed where they are."""
    columns = columns or definition.selected_columns
    hashed = [definition.columns[column].personal is Personal.hash for column in columns]
    key = json.loads(environment["AIRFLOW_CONN_PERSONAL_DATA"])["password"].encode()
    cursor.execute(f"select {', '.join(f'`{column}`' for column in columns)} from `{table}`")
    return content_of(
        [hash_of(value, key) if is_hashed else value for value, is_hashed in zip(row, hashed, strict=True)]
        for row in cursor.fetchall()
    )


def hash_of(value: Any, key: bytes) -> str | None:
    """What docs/personal-data.md says of a hash, in other words than the pipeline's."""
    return None if value is None else hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()


def bigquery_content(client: bigquery.Client, table: str, columns: Iterable[str], where: str = "true") -> Content:
    """A table of BigQuery."""
    query = f"select {', '.join(f'`{column}`' for column in columns)} from {table} where {where}"
    return content_of(row.values() for row in client.query(query).result())


def columns_of(client: bigquery.Client, table: str) -> set[str]:
    """The names of a table's columns."""
    return {field.name for field in client.get_table(table).schema}
