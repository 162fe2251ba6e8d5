"""The dbt models that are made from contracts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment

from tributary import generated
from tributary.contract_files import load_contract
from tributary.contracts import Contract
from tributary.errors import RegistryError
from tributary.generated_models import models_of, typed_as
from tributary.registry import INCLUDE, load_registry

CONTRACT = """
app: cinema
models: generated
tables:
  Films:
    description: "What was shown: {{ 7 * 7 }} films."
    primary_key: [id]
    columns:
      id: {type: int unsigned}
      order: {type: "decimal(10,2)", description: "Its place, as {% raw %} text."}
      poster: {type: longblob, nullable: true}
      director: {type: varchar(99), personal: true}
  visits:
    columns:
      at: {type: datetime, nullable: true}
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """A registry with one generated app."""
    folder = tmp_path / "include"
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "cinema.yaml").write_text(CONTRACT)
    (folder / "databases.yaml").write_text("databases: {cinema_de: {app: cinema}, cinema_fr: {app: cinema}}\n")
    (tmp_path / "docs").mkdir()
    shutil.copy(INCLUDE.parent / "docs" / "metrics.md", tmp_path / "docs")
    return folder


def files(include: Path) -> dict[str, str]:
    return {
        str(path): text for path, text in models_of(load_contract(include / "contracts" / "cinema.yaml"), "cinema_de")
    }


def test_a_model_takes_every_column_that_is_copied_in_its_type(include: Path):
    assert files(include)["generated/cinema/cinema__Films.sql"] == (
        "-- Made from include/contracts/cinema.yaml by `tributary generate`; change the contract instead.\n"
        "{{ config(\n"
        "    alias='Films',\n"
        "    schema='cinema_de',\n"
        "    tags=['cinema'],\n"
        "    materialized='incremental',\n"
        "    incremental_strategy='insert_overwrite',\n"
        "    partition_by={'field': '_dump_date', 'data_type': 'date'},\n"
        '    partitions=["that of the run\'s dump (macros/replace_partition.sql)"],\n'
        "    cluster_by=['id'],\n"
        "    on_schema_change='append_new_columns',\n"
        "    persist_docs={'relation': true, 'columns': true}\n"
        ") }}\n"
        "\n"
        "select\n"
        "    {{ dump_date() }} as `_dump_date`,\n"
        "    cast(`id` as int64) as `id`,\n"
        "    cast(`order` as numeric) as `order`,\n"
        "    `poster`\n"
        "from {{ source('raw_cinema', 'Films') }}\n"
    )


def test_a_table_without_a_key_is_not_clustered(include: Path):
    assert "cluster_by=None" in files(include)["generated/cinema/cinema__visits.sql"]


def test_descriptions_are_text_for_dbt(include: Path):
    (films, _) = yaml.safe_load(files(include)["generated/cinema/_cinema__models.yml"])["models"]
    assert films["description"] == "What was shown: {{ '{' }}{{ '{' }} 7 * 7 }} films."
    columns = {column["name"]: column for column in films["columns"]}
    assert columns["order"]["description"] == "Its place, as {{ '{' }}% raw %} text."
    for text, said in (
        ("{{ 7 * 7 }} films.", films["description"]),
        ("{% raw %} text.", columns["order"]["description"]),
    ):
        assert Environment(autoescape=True).from_string(said).render().endswith(text)
    assert (columns["id"]["data_type"], columns["id"]["quote"]) == ("int64", True)
    assert "data_type" not in columns["poster"]
    assert "director" not in columns


@pytest.mark.parametrize(
    ("mysql", "expected"),
    [
        ("tinyint(1)", "INT64"),
        ("bigint unsigned", "NUMERIC"),
        ("bigint", "INT64"),
        ("decimal(38,9)", "NUMERIC"),
        ("decimal(65,30)", "STRING"),
        ("enum('a')", "STRING"),
        ("double", "FLOAT64"),
        ("decimal(5,0)", "NUMERIC"),
        ("longblob", None),
        ("timestamp(6)", "TIMESTAMP"),
        ("json", None),
        ("geometry", None),
    ],
)
def test_a_type_is_the_one_that_holds_every_value(mysql: str, expected: str | None):
    assert typed_as(mysql) == expected


def test_models_of_tables_that_went_are_removed(include: Path):
    registry = load_registry(include)
    assert registry.apps == {}
    assert registry.built == {"cinema": ["cinema_de", "cinema_fr"]}
    made = generated.write(registry, include)
    assert generated.stale(registry, include) == []
    visits = include / "dbt" / "models" / "generated" / "cinema" / "cinema__visits.sql"
    assert visits in made
    assert (include / "dbt" / "models" / "sources" / "cinema.yml") in made
    contract = include / "contracts" / "cinema.yaml"
    contract.write_text(CONTRACT[: CONTRACT.index("  visits:")])
    registry = load_registry(include)
    assert visits in generated.stale(registry, include)
    generated.write(registry, include)
    assert not visits.exists()
    assert generated.stale(registry, include) == []


def test_an_app_that_went_leaves_no_folder(include: Path):
    generated.write(load_registry(include), include)
    folder = include / "dbt" / "models" / "generated" / "cinema"
    assert folder.is_dir()
    (include / "databases.yaml").write_text("databases: {other: {app: other}}\n")
    (include / "contracts" / "other.yaml").write_text(CONTRACT.replace("cinema", "other"))
    generated.write(load_registry(include), include)
    assert not folder.exists()


def test_an_app_that_is_broken_for_the_moment_keeps_its_models(include: Path):
    generated.write(load_registry(include), include)
    (include / "contracts" / "cinema.yaml").write_text(CONTRACT.replace("type:", "typ:"))
    registry = load_registry(include)
    assert registry.broken
    generated.write(registry, include)
    assert (include / "dbt" / "models" / "generated" / "cinema" / "cinema__visits.sql").exists()


def test_two_tables_with_one_model_are_refused(include: Path):
    (include / "databases.yaml").write_text("databases: {a: {app: a}, b: {app: a__b}}\n")
    for app, table in (("a", "b__c"), ("a__b", "c")):
        contract = f"app: {app}\nmodels: generated\ntables: {{{table}: {{columns: {{x: {{type: int}}}}}}}}\n"
        (include / "contracts" / f"{app}.yaml").write_text(contract)
    with pytest.raises(RegistryError, match=r"a__b.yaml: tables.c: found the dbt model of include/contracts/a.yaml"):
        generated.render(load_registry(include), include)


def test_a_table_s_description_has_what_bigquery_s_sql_takes(include: Path):
    path = include / "contracts" / "cinema.yaml"
    path.write_text(CONTRACT.replace("What was shown", "\N{CLAPPER BOARD} shown"))
    (films, _) = yaml.safe_load(files(include)["generated/cinema/_cinema__models.yml"])["models"]
    assert films["description"].startswith("\N{REPLACEMENT CHARACTER} shown")


def test_further_marts_are_people_s(include: Path):
    path = include / "contracts" / "cinema.yaml"
    path.write_text(CONTRACT + "marts: {revenue: {description: x}}\n")
    with pytest.raises(RegistryError, match="marts: found some, expected none where `models` is generated"):
        load_contract(path)


def test_what_follows_from_where_models_come_from():
    tables = {"t": {"columns": {"a": {"type": "int"}}}}
    for models, expected in {"own": (True, False), "generated": (False, False), "none": (False, True)}.items():
        contract = Contract.model_validate({"app": "x", "models": models, "tables": tables})
        assert (contract.is_consolidated, contract.raw_only) == expected
        assert contract.mart_names == (() if models == "none" else ("t",))
