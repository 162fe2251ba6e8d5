"""A local cloud, and databases whose dumps go through pre-flight, the import and the sync by their operators."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest

from tests.integration.dead_letters.conftest import run_task, spool, store
from tests.integration.operators.conftest import DAY, NUMBERS, Given, Kiosk, cloud, services
from tests.support.services import LocalCloud
from tributary import naming
from tributary.contracts import Contract
from tributary.operators.import_dump import ImportDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.validate import ValidateRawOperator
from tributary.registry import Database

__all__ = ["cloud", "run_task", "services", "spool", "store"]


class Server:
    """The MariaDB server of the Cloud SQL instance, for its administrator."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self._connection = pymysql.connect(
            host="127.0.0.1", port=cloud.ports["cloud_sql"], user="root", password=cloud.password,
            autocommit=True, charset="utf8mb4", local_infile=False,
        )  # fmt: skip

    def __call__(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one."""
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def import_unchecked(self, dump: bytes, database: str) -> subprocess.CompletedProcess[bytes]:
        """What a person does by hand: the plain client, as root, without `--sandbox`."""
        command = [
            "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.cloud.ports['cloud_sql']}",
            "--user=root", "--local-infile=1", "--default-character-set=utf8mb4", database,
        ]  # fmt: skip
        environment = {"MYSQL_PWD": self.cloud.password, "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, input=dump, env=environment, capture_output=True, timeout=60)


class Shop(Kiosk):
    """A database of its own name, whose contract and dump a test writes."""

    def leave(self, text: bytes, name: str = "dump.sql") -> None:
        """Put a dump into the bucket as the day's one."""
        blob = self.bucket.blob(f"{self.name}/{DAY}/{name}")
        blob.upload_from_string(text)
        blob.reload()
        self.dump = {
            "bucket": self.bucket.name, "name": blob.name, "generation": int(blob.generation),
            "uri": f"gs://{self.bucket.name}/{blob.name}",
        }  # fmt: skip

    def preflight(self) -> PreflightOperator:
        operator = PreflightOperator(task_id="preflight", database=self.database, dump=Given(self.dump))
        operator.dump_date = DAY
        return operator

    def load(self, text: bytes, name: str = "dump.sql") -> dict[str, Any]:
        """Pre-flight, import with what it asks for; what pre-flight returned."""
        self.leave(text, name)
        self.checked: dict[str, Any] = self.preflight().execute({"run_id": "run_1", "params": {"force": False}})
        self.step("import_dump")
        return self.checked

    def _operator(self, name: str) -> Any:
        if name != "import_dump":
            return super()._operator(name)
        operator = ImportDumpOperator(
            task_id="import_dump", database=self.name, instance="staging", dump=Given(self.dump),
            source_uri=self.checked["uri"], contract=self.database.contract, preflight=Given(self.checked),
            execution_timeout=self.import_limit,
        )  # fmt: skip
        operator.dump_date = DAY
        return operator

    def validate_raw(self) -> int:
        """The number of rules that held."""
        operator = ValidateRawOperator(task_id="validate_raw", database=self.database, preflight=Given(self.checked))
        operator.day = DAY
        earlier = {"find_dump": self.dump, "reconcile": self.checked["tables"]}
        ti = SimpleNamespace(
            dag_id=naming.dag_id(self.name),
            xcom_pull=lambda task_ids: earlier.get(task_ids),
            xcom_push=lambda key, value: None,
        )
        context: Any = {"run_id": "run_1", "params": {"force": True}, "ti": ti}
        held: int = operator.execute(context)
        return held

    def raw(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the raw dataset, `{raw}` in it."""
        from tributary.hooks.clients import bigquery_client

        rows = bigquery_client().query(query.format(raw=naming.raw_dataset(self.name))).result()
        return [tuple(row.values()) for row in rows]


@pytest.fixture(scope="module")
def server(cloud: LocalCloud) -> Server:
    return Server(cloud)


@pytest.fixture(scope="module")
def make_shop(cloud: LocalCloud) -> Callable[..., Shop]:
    """Makes a database of tables: types by column, the key first, `!` before the type of what may be empty."""

    def make(tables: dict[str, dict[str, str]], **options: Any) -> Shop:
        contract = Contract.model_validate(
            {"app": "shops", "models": "none", "tables": {name: _table(columns) for name, columns in tables.items()}}
            | options
        )
        database = Database(
            name=f"shop_{next(NUMBERS)}", contract=contract, owner="tests", cloud_sql_instance="staging",
            dump_pattern="{database}/{date}/*", dump_wait="1h",
        )  # fmt: skip
        return Shop(cloud, database)

    return make


def _table(columns: dict[str, str]) -> dict[str, Any]:
    described = {name: {"type": kind.lstrip("!"), "nullable": kind.startswith("!")} for name, kind in columns.items()}
    return {"primary_key": [next(iter(columns))], "columns": described}
