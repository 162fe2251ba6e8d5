"""How many statements the ledger's rows take."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from tributary.ledger.checksums import Content
from tributary.ledger.store import OpsStore

DAY = date(2013, 1, 2)


class Client:
    """BigQuery's client, as far as appending asks it; keeps the rows of each statement."""

    def __init__(self) -> None:
        self.statements: list[list[dict[str, Any]]] = []

    def query(self, sql: str, job_config: Any, **_: Any) -> Client:
        assert "insert into ops.ledger_log" in sql
        (rows,) = [json.loads(one.value) for one in job_config.query_parameters if one.name == "rows"]
        self.statements.append(rows)
        return self

    def result(self, **_: Any) -> list[Any]:
        return []


def test_a_thousand_databases_take_few_statements_and_lose_no_row():
    contents = {f"shop_{n}": {f"t{table}": Content(n, f"c{table}") for table in range(8)} for n in range(1000)}
    days = {name: DAY if name != "shop_7" else date(2013, 1, 1) for name in contents}
    client = Client()
    OpsStore(client, "US").record_databases("consolidated", contents, days=days, run_id="run_1")  # type: ignore[arg-type]
    assert len(client.statements) == 16
    rows = [row for statement in client.statements for row in statement]
    assert {(row["database"], row["table_name"]) for row in rows} == {
        (name, table) for name, tables in contents.items() for table in tables
    }
    assert len(rows) == 8000
    assert [row["dump_date"] for row in rows if row["database"] == "shop_7"] == ["2013-01-01"] * 8
    assert {(row["stage"], row["run_id"]) for row in rows} == {("consolidated", "run_1")}


def test_nothing_to_record_asks_nothing():
    client = Client()
    OpsStore(client, "US").record_databases("consolidated", {}, days={}, run_id="run_1")  # type: ignore[arg-type]
    assert client.statements == []
