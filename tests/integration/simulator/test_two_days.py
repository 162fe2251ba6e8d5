"""Two days of all six databases on a real server: tables, dumps, restores, and the same once more."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml
from google.cloud import storage

from simulator.apps import DEFAULT_DATABASES
from simulator.bucket import object_name
from simulator.cli import main
from simulator.production import connect, execute, query
from simulator.settings import Settings
from simulator.state import SCHEMA

DAYS = (date(2013, 1, 1), date(2013, 1, 2))
APPS = {name: app.partition(":")[0] for name, app in DEFAULT_DATABASES.items()}
Digests = dict[str, str]


def digests(bucket: storage.Bucket) -> Digests:
    """Object name -> digest of its bytes."""
    return {blob.name: hashlib.sha256(blob.download_as_bytes()).hexdigest() for blob in bucket.list_blobs()}


@pytest.fixture(scope="module")
def two_days(settings: Settings, bucket: storage.Bucket) -> Iterator[Digests]:
    """All six databases have lived two days, one command each."""
    assert main(["advance", "--seed", "7"]) == 0
    assert main(["advance"]) == 0
    return digests(bucket)


def columns_of(settings: Settings, database: str) -> dict[str, dict[str, tuple[str, bool]]]:
    """table -> column -> (type, nullable), in order, display widths left out except that of tinyint(1)."""
    with connect(settings) as connection:
        rows = query(
            connection,
            "select table_name, column_name, column_type, is_nullable from information_schema.columns"
            " where table_schema = %s order by table_name, ordinal_position",
            (database,),
        )
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, column, kind, nullable in rows:
        if kind != "tinyint(1)":
            kind = re.sub(r"int\(\d+\)", "int", kind)
        found.setdefault(table, {})[column] = (kind, nullable == "YES")
    return found


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize("database", DEFAULT_DATABASES)
def test_tables_are_those_of_the_contract(settings: Settings, database: str) -> None:
    contract = yaml.safe_load(Path(f"include/contracts/{APPS[database]}.yaml").read_text(encoding="utf-8"))
    expected = {
        name: {column: (about["type"], about.get("nullable", False)) for column, about in table["columns"].items()}
        for name, table in contract["tables"].items()
    }
    found = columns_of(settings, database)
    assert found == expected
    assert {name: list(columns) for name, columns in found.items()} == {
        name: list(columns) for name, columns in expected.items()
    }
    with connect(settings) as connection:
        keys = query(
            connection,
            "select table_name, column_name from information_schema.key_column_usage"
            " where table_schema = %s and constraint_name = 'PRIMARY' order by table_name, ordinal_position",
            (database,),
        )
    for name, table in contract["tables"].items():
        assert [column for of, column in keys if of == name] == table["primary_key"]


def test_every_day_leaves_a_dump_of_every_database(two_days: Digests) -> None:
    assert set(two_days) == {object_name(name, day) for name in DEFAULT_DATABASES for day in DAYS}


@pytest.mark.usefixtures("two_days")
def test_the_date_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["date"]) == 0
    assert capsys.readouterr().out == "2013-01-02\n"


@pytest.mark.usefixtures("two_days")
def test_counts_are_those_of_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["counts", "--json"]) == 0
    now = json.loads(capsys.readouterr().out)
    assert set(now) == set(DEFAULT_DATABASES)
    airports = [now[name] for name, app in APPS.items() if app == "flights"]
    assert sum(tables["flights"] for tables in airports) == 842 + 943
    assert all((t["planes"], t["airlines"], t["airports"]) == (3322, 16, 1458) for t in airports)
    assert main(["counts", "--json", "--date", "2013-01-01"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert sum(first[name]["flights"] for name, app in APPS.items() if app == "flights") == 842
    assert 0 < first["shop_eu"]["orders"] < now["shop_eu"]["orders"]
    assert main(["counts", "--json", "--date", "2013-01-02"]) == 0
    assert json.loads(capsys.readouterr().out) == now
    assert main(["counts", "--date", "2013-01-03"]) == 1


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize("database", DEFAULT_DATABASES)
def test_a_dump_restores_to_the_same_rows(settings: Settings, bucket: storage.Bucket, database: str) -> None:
    text = gzip.decompress(bucket.blob(object_name(database, DAYS[-1])).download_as_bytes())
    assert text.rstrip().endswith(b"-- Dump completed")
    assert f"Database: {database}\n".encode() in text
    assert SCHEMA.encode() not in text
    with connect(settings) as connection:
        execute(connection, "drop database if exists restored")
        execute(connection, "create database restored")
    client = shutil.which("mariadb") or "mariadb"
    login = ["--no-defaults", "--protocol=tcp", "-h127.0.0.1", f"-P{settings.port}", "-ucompany"]
    subprocess.run(
        [client, *login, f"--password={settings.password}", "--default-character-set=utf8mb4", "restored"],
        input=text,
        check=True,
    )
    for table in columns_of(settings, database):
        with connect(settings) as connection:
            sums = query(connection, f"checksum table `{database}`.`{table}`, restored.`{table}`")
        assert sums[0][1] == sums[1][1] is not None, table


@pytest.mark.usefixtures("two_days")
def test_odd_values_arrive_as_they_were_invented(settings: Settings) -> None:
    with connect(settings, "shop_eu") as connection:
        names = {name for (name,) in query(connection, "select last_name from customers")}
        products = {name for (name,) in query(connection, "select name from products")}
    assert {"O'Brien", 'Zoë; "X"', "Straße 🏠", "Dvořák"} <= names
    assert "Kite 'C:\\new\\table'" in products


@pytest.mark.usefixtures("two_days")
def test_flights_keep_the_hour_in_utc(settings: Settings) -> None:
    with connect(settings, "airport_ewr") as connection:
        first = query(connection, "select tailnum, time_hour from flights where flight_id = 1")
    assert first == [("N14228", datetime(2013, 1, 1, 10))]


@pytest.mark.usefixtures("two_days")
def test_no_row_carries_the_wall_clock(settings: Settings) -> None:
    for table in ("customers", "products", "orders"):
        with connect(settings, "shop_us") as connection:
            last = query(connection, f"select max(updated_at) from `{table}`")[0][0]
        assert last < datetime(2013, 1, 3, 12)


def test_the_same_seed_gives_the_same_bytes(settings: Settings, bucket: storage.Bucket, two_days: Digests) -> None:
    chosen = ("shop_br", "airport_lga")
    with connect(settings) as connection:
        for name in (*DEFAULT_DATABASES, SCHEMA):
            execute(connection, f"drop database `{name}`")
    for blob in bucket.list_blobs():
        blob.delete()
    assert main(["advance", "--databases", ",".join(chosen), "--days", "2", "--seed", "7"]) == 0
    assert digests(bucket) == {
        object_name(name, day): two_days[object_name(name, day)] for name in chosen for day in DAYS
    }
