"""The day of some databases with the bare tools, in turn: `python -m benchmarks.bare.database DAY DATABASE ...`.

A dump goes through `mariadb` into a database `bare_<db>`, where personal columns are hashed, from there into
`raw__<db>`, then dbt builds `<db>`; both are held against their rules. Great Expectations is imported once, in this
process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date

from benchmarks.bare.tools import PROJECT, ROOT, bigquery, check, dbt
from tributary import naming
from tributary.privacy.expressions import HashKey, concealed
from tributary.registry import Database, load_registry


def main(day: str, names: list[str]) -> None:
    """Load the day of each; raises where a tool fails or a rule is broken."""
    databases = load_registry().databases
    for name in names:
        load(day, name, databases[name])


def load(day: str, name: str, database: Database) -> None:
    """Load the day of one."""
    load_dump(day, name)
    conceal(name, database)
    streams = {table: list(contract.selected_columns) for table, contract in database.contract.tables.items()}
    mover = [str(ROOT / ".local" / "envs" / "localcloud" / "bin" / "python"), "-m", "benchmarks.bare.move"]
    subprocess.run([*mover, f"bare_{name}", naming.raw_dataset(name), json.dumps(streams)], cwd=ROOT, check=True)
    client = bigquery()
    load = f"select '{name}' as `database`, date '{day}' as dump_date"
    client.query_and_wait(f"create or replace table {naming.raw_dataset(name)}._tributary_load as {load}")
    check(client, database.contract, "raw", naming.raw_dataset(name))
    dbt(
        "build", "--select", f"tag:{database.app}", "--exclude-resource-type", "unit_test",
        variables={"database": name}, TRIBUTARY_DBT_DATASET=naming.dataset(name), TRIBUTARY_DUMP_DATE=day,
    )  # fmt: skip
    check(client, database.contract, "marts", naming.dataset(name), date.fromisoformat(day))


def load_dump(day: str, name: str) -> None:
    """Stream the day's dump out of the bucket into MySQL."""
    from google.cloud import storage

    client, environment = client_of_server()
    fresh = f"drop database if exists bare_{name}; create database bare_{name}"
    subprocess.run([*client, "--execute", fresh], env=environment, check=True)
    bucket = storage.Client(PROJECT).bucket(os.environ["TRIBUTARY_DUMPS_BUCKET"])
    (blob,) = bucket.list_blobs(prefix=f"{name}/{day}/")
    with (
        subprocess.Popen(["gunzip"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as gunzip,
        subprocess.Popen([*client, f"bare_{name}"], env=environment, stdin=gunzip.stdout) as mariadb,
    ):
        assert gunzip.stdin
        assert gunzip.stdout
        gunzip.stdout.close()  # it is mariadb's now: were that to end, gunzip would
        blob.download_to_file(gunzip.stdin)
        gunzip.stdin.close()
    if gunzip.returncode or mariadb.returncode:
        raise RuntimeError(f"{blob.name}: gunzip ended with {gunzip.returncode}, mariadb with {mariadb.returncode}")


def conceal(name: str, database: Database) -> None:
    """Let hashed and masked columns be read as Tributary does."""
    password = json.loads(os.environ["AIRFLOW_CONN_PERSONAL_DATA"])["password"]
    statements = []
    for table, definition in database.contract.tables.items():
        for column in definition.concealed_columns:
            said, aside = definition.columns[column], naming.personal_column(column)
            assert said.personal
            made = concealed(f"`{aside}`", said.type, said.personal, HashKey.of(password.encode()))
            statements += [
                f"alter table `{table}` rename column `{column}` to `{aside}`;",
                f"alter table `{table}` add column `{column}` {said.copied_type} as ({made}) virtual;",
            ]
    command, environment = client_of_server()
    subprocess.run([*command, f"bare_{name}"], env=environment, input="\n".join(statements), text=True, check=True)


def client_of_server() -> tuple[list[str], dict[str, str]]:
    """The plain client of the Cloud SQL instance, and its environment."""
    server = json.loads(os.environ["AIRFLOW_CONN_CLOUD_SQL__STAGING"])
    client = ["mariadb", f"--host={server['host']}", f"--port={server['port']}", f"--user={server['login']}"]
    return client, {**os.environ, "MYSQL_PWD": server["password"]}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
