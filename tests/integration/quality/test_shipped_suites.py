"""Every rule that the repository ships can be run: on tables of the right columns none is an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud import bigquery

from tributary.contracts import Contract
from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.schema import bigquery_types
from tributary.quality.suites import suites_for
from tributary.registry import INCLUDE, load_registry
from tributary.versions import Base

Sql = Callable[..., list[tuple[Any, ...]]]

CONTRACTS = load_registry().contracts
MODELS = INCLUDE / "dbt" / "models"


def raw_columns(contract: Contract, table: str) -> dict[str, str]:
    columns = contract.tables[table].columns
    return {name: min(bigquery_types(columns[name].copied_type)) for name in contract.tables[table].selected_columns}


def model_columns(path: Path) -> dict[str, str]:
    (model,) = yaml.safe_load(path.read_text())["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}


@pytest.mark.parametrize("layer", ["raw", "marts", "consolidated"])
@pytest.mark.parametrize("app", CONTRACTS)
def test_no_rule_is_an_error(app: str, layer: Any, client: bigquery.Client, run_sql: Sql) -> None:
    contract = CONTRACTS[app]
    suites = suites_for(contract, layer)
    dataset = f"shipped__{layer}__{app}"
    run_sql(f"create schema {dataset}")
    for table in suites.tables:
        if layer == "raw":
            columns = raw_columns(contract, table)
        elif layer == "marts":
            columns = model_columns(MODELS / app / "marts" / f"{table}.yml")
        else:
            columns = model_columns(MODELS / "consolidated" / app / f"consolidated__{table}.yml")
        run_sql(f"create table {dataset}.{table} ({', '.join(f'`{name}` {it}' for name, it in columns.items())})")
    result = run_checkpoint(
        client=client,
        suites=suites,
        dataset=dataset,
        partition=date(2026, 11, 20) if layer == "marts" else None,
        parameters={table: {"previous_rows": 0, "databases": ["one"]} for table in suites.tables},
    )
    assert result.errors == (), result.failure_message()
    assert result.skipped == ()
    assert {it.rule for it in result.failed} <= {"not_empty", "holds_every_database"}
    assert len(result.passed) > 2 * len(suites.tables)


def test_a_flight_that_an_unchanged_airport_has_already_is_found(client: bigquery.Client, run_sql: Sql) -> None:
    suites = suites_for(CONTRACTS["flights"], "consolidated")
    (only,) = [it for it in suites.tables["flights"].expectations if it.name == "flight_in_no_unchanged_database"]
    flights = suites.tables["flights"].model_copy(update={"expectations": (only,)})
    suites = suites.model_copy(update={"tables": {"flights": flights}})
    run_sql("create schema built_anew", "create schema consolidated__v1")
    run_sql(
        "create table built_anew.flights as select 'airport_ewr' as _database, 7 as flight_id",
        "create table consolidated__v1.flights as select 'airport_ewr' as _database, 7 as flight_id "
        "union all select 'airport_jfk', 8",
    )

    def found(**more: Any) -> list[int | None]:
        result = run_checkpoint(client=client, suites=suites, dataset="built_anew", **more)
        assert result.errors == ()
        return [it.unexpected_count for it in result.failed]

    unchanged = Base("1", frozenset({"flights"}), ("airport_ewr",))
    assert found() == []
    assert found(unchanged=unchanged) == []
    assert found(unchanged=replace(unchanged, replaced=())) == [1]
    run_sql("insert into built_anew.flights select 'airport_ewr', 8")
    assert found(unchanged=unchanged) == [1]
    assert found(unchanged=replace(unchanged, tables=frozenset())) == []
