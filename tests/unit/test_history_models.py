"""The dbt models of tables whose versions are kept, and which contracts may ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tributary import generated
from tributary.contract_files import load_contract
from tributary.contracts import Contract
from tributary.errors import RegistryError
from tributary.history_models import histories_of
from tributary.registry import load_registry

CONTRACT = """
app: cinema
tables:
  films:
    description: "What was shown: {{ 7 * 7 }} films."
    primary_key: [id, part]
    history: true
    columns:
      id: {type: int unsigned}
      part: {type: double}
      order: {type: "decimal(10,2)", description: "Its place."}
      poster: {type: longblob, nullable: true}
      director: {type: varchar(99), personal: true}
  visits:
    primary_key: [id]
    columns: {id: {type: int}}
"""


def contract(folder: Path, text: str = CONTRACT) -> Contract:
    (folder / "cinema.yaml").write_text(text)
    return load_contract(folder / "cinema.yaml")


def test_a_history_has_what_is_copied_in_its_type_whoever_writes_the_marts(tmp_path: Path):
    for own in (CONTRACT, CONTRACT.replace("app: cinema", "app: cinema\nmodels: generated")):
        files = dict(histories_of(contract(tmp_path, own), "cinema_de"))
        folder = Path("generated/cinema")
        assert set(files) == {folder / "cinema__films__history.sql", folder / "_cinema__histories.yml"}
        assert files[folder / "cinema__films__history.sql"] == (
            "-- Made from include/contracts/cinema.yaml by `tributary generate`; change the contract instead.\n"
            "{{ config(\n"
            "    alias='films__history',\n"
            "    schema='cinema_de',\n"
            "    tags=['cinema'],\n"
            "    materialized='history',\n"
            "    unique_key=['id', 'part'],\n"
            "    partition_by={'field': '_valid_to', 'data_type': 'date'},\n"
            "    cluster_by=['id'],\n"
            "    full_refresh=false,\n"
            "    persist_docs={'relation': true, 'columns': true}\n"
            ") }}\n"
            "\n"
            "select\n"
            "    {{ dump_date() }} as `_valid_from`,\n"
            "    cast(null as date) as `_valid_to`,\n"
            "    cast(null as string) as `_ended_by`,\n"
            "    cast(`id` as int64) as `id`,\n"
            "    cast(`part` as float64) as `part`,\n"
            "    cast(`order` as numeric) as `order`,\n"
            "    `poster`\n"
            "from {{ source('raw_cinema', 'films') }}\n"
        )


def test_its_columns_are_described_and_its_versions_tested(tmp_path: Path):
    text = dict(histories_of(contract(tmp_path), "cinema_de"))[Path("generated/cinema/_cinema__histories.yml")]
    (model,) = yaml.safe_load(text)["models"]
    assert [column["name"] for column in model["columns"]] == [
        *("_valid_from", "_valid_to", "_ended_by"),
        *("id", "part", "order", "poster"),
    ]
    assert "films__history_days" in model["description"]
    assert model["description"].endswith("What was shown: {{ '{' }}{{ '{' }} 7 * 7 }} films.")
    given = {"key": ["id", "part"], "app": "cinema", "table": "films"}
    assert model["data_tests"] == [{"versions": {"name": "cinema__films__history__versions", "arguments": given}}]


def test_a_contract_that_asks_for_none_has_no_files(tmp_path: Path):
    assert (
        list(histories_of(contract(tmp_path, CONTRACT.replace("history: true", "history: false")), "cinema_de")) == []
    )


@pytest.mark.parametrize(
    ("was", "instead", "message"),
    [
        ("app: cinema", "app: cinema\nmodels: none", r"tables.films.history: found `models: none`, expected models"),
        (
            "app: cinema\ntables:\n  films:\n",
            "app: cinema\nmodels: generated\ntables:\n  dates: {history: true, columns: {d: {type: date}}}\n  films:\n",
            r"tables.dates.history: found no primary_key, expected",
        ),
        ("visits:", "films__history:", r"tables.films.history: found a table 'films__history', expected none"),
        ("visits:", "films__history_days:", r"tables.films.history: found a table 'films__history_days'"),
        ("order:", "_valid_to:", r"tables.films.columns: found '_valid_to', expected no name that begins with"),
    ],
)
def test_what_no_history_can_be_of_is_refused(tmp_path: Path, was: str, instead: str, message: str):
    with pytest.raises(RegistryError, match=message):
        contract(tmp_path, CONTRACT.replace(was, instead))


def test_a_history_is_no_twin_of_another_app_s_model(tmp_path: Path):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "databases.yaml").write_text("databases: {a: {app: a}, b: {app: a__b}}\n")
    tables = {"a": "{b__c: {primary_key: [x], history: true, ", "a__b": "{c__history: {"}
    for app, table in tables.items():
        text = f"app: {app}\nmodels: generated\ntables: {table}columns: {{x: {{type: int}}}}}}}}\n"
        (tmp_path / "contracts" / f"{app}.yaml").write_text(text)
    with pytest.raises(
        RegistryError, match=r"a__b.yaml: tables.c__history: found the dbt model of .*a.yaml: tables.b__c"
    ):
        generated.render(load_registry(tmp_path), tmp_path)
