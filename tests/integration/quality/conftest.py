"""A BigQuery emulator for the session, and a kiosk whose data each test may spoil."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.support import recorded_sql, wire
from tests.support.services import LocalCloud
from tributary.contracts import Contract


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The local cloud's BigQuery; `TRIBUTARY_BQEMULATOR` names a program of its environment."""
    python = Path(os.environ.get("TRIBUTARY_BQEMULATOR", sys.executable)).with_name("python")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(python), is_recorded=True)
    with cloud.running("bigquery"):
        yield cloud


@pytest.fixture(scope="session")
def client(emulator: LocalCloud) -> Iterator[bigquery.Client]:
    """Google's client, which finds the emulator through its own environment variable.

    At its end, what was sent to the emulator has to be GoogleSQL, in requests as they are published.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", emulator.variables()["BIGQUERY_EMULATOR_HOST"])
        client = bigquery.Client(emulator.project, credentials=AnonymousCredentials())
        yield client
        recorded_sql.check(client)
        wire.check(emulator.record)


class Sql:
    """Runs statements, and says what they return."""

    def __init__(self, client: bigquery.Client) -> None:
        self.client = client

    def __call__(self, *statements: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = [row.values() for row in self.client.query(statement).result(timeout=60)]
        return rows


@pytest.fixture(scope="session")
def run_sql(client: bigquery.Client) -> Sql:
    return Sql(client)


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract.model_validate(
        {
            "app": "kiosk",
            "tables": {
                "customers": {
                    "primary_key": ["customer_id"],
                    "columns": {
                        "customer_id": {"type": "int unsigned"},
                        "email": {"type": "varchar(255)", "personal": True},
                        "city": {"type": "varchar(64)", "nullable": True},
                        "born": {"type": "date", "nullable": True},
                        "joined": {"type": "date"},
                    },
                },
                "lines": {
                    "primary_key": ["order_id", "line"],
                    "columns": {
                        "order_id": {"type": "bigint"},
                        "line": {"type": "smallint"},
                        "customer_id": {"type": "int unsigned"},
                        "kind": {"type": "enum('sold','returned')"},
                        "quantity": {"type": "smallint"},
                        "price": {"type": "decimal(10,2)"},
                        "discount": {"type": "decimal(10,2)"},
                    },
                },
            },
        }
    )


@pytest.fixture(scope="session")
def make_kiosk(run_sql: Sql) -> Callable[[], str]:
    """Makes datasets with 10 customers and 20 lines that break no rule."""
    numbers = itertools.count(1)

    def make() -> str:
        dataset = f"raw__kiosk_{next(numbers)}"
        run_sql(
            f"create schema {dataset}",
            f"""
            create table {dataset}.customers as
            select
                n as customer_id, concat('town ', cast(n as string)) as city,
                if(n = 3, null, date '1990-01-01') as born,
                date '2020-01-01' as joined, 'r' as _airbyte_raw_id
            from unnest(generate_array(1, 10)) as n
            """,
            f"""
            create table {dataset}.lines as
            select
                n as order_id, line, n as customer_id, 'sold' as kind, 2 as quantity,
                numeric '5.50' as price, numeric '1.00' as discount, 'r' as _airbyte_raw_id
            from unnest(generate_array(1, 10)) as n
            cross join unnest([1, 2]) as line
            """,
        )
        return dataset

    return make


@pytest.fixture
def kiosk(make_kiosk: Callable[[], str]) -> str:
    """A dataset without faults that the test may spoil."""
    return make_kiosk()
