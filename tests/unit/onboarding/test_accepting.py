"""What `tributary contract accept` writes, and what it leaves as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.onboarding.test_adding import include
from tributary.contracts import Contract
from tributary.drift.changes import schema_changes
from tributary.dumps.definitions import TableDefinition, read_table
from tributary.errors import RegistryError
from tributary.onboarding.accepting import Acceptance, acceptance
from tributary.registry import INCLUDE, load_registry

__all__ = ["include"]
CONTRACT = """# A shop that sells toys.
app: toys
models: {models}
completion_line: false

tables:
  toys:
    description: "One row per toy."
    primary_key: [toy_id]     # for ever
    columns:
      toy_id: {{type: int, description: Identifies a toy.}}
      name: {{type: varchar(40), description: "Shown: on the box."}}
      price: {{type: "decimal(10,2)"}}  # in euros
"""
ID, NAME, PRICE, KEY = (
    "toy_id int not null",
    "name varchar(40) not null",
    "price decimal(10,2) not null",
    "primary key (toy_id)",
)


@pytest.fixture(params=["generated"])
def toys(include: Path, request: pytest.FixtureRequest) -> Path:
    """The registry with one more app; its folder."""
    (include / "contracts" / "toys.yaml").write_text(CONTRACT.format(models=request.param))
    with (include / "databases.yaml").open("a") as file:
        file.write("  toy_shop: {app: toys}\n")
    return include


def tables(*items: str, **more: str) -> dict[str, TableDefinition]:
    texts = {"toys": ", ".join(items), **more}
    return {name: read_table(f"create table {name} ({text})") for name, text in texts.items()}


def accepted(include: Path, definitions: dict[str, TableDefinition]) -> Acceptance:
    return acceptance("toy_shop", definitions, {}, include)


def changed_lines(found: Acceptance) -> list[str]:
    return [line for line in found.diff() if line[:1] in "+-" and not line.startswith(("---", "+++"))]


def test_a_dump_that_says_the_same_changes_nothing(toys: Path):
    found = accepted(toys, tables(ID, NAME, PRICE, KEY))
    assert found.text == found.before
    assert list(found.diff()) == []


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ((ID, "stock int", NAME, PRICE, KEY), ["+      stock: {type: int, nullable: true}"]),
        ((ID, NAME, "price decimal(12,2)", KEY),
         ['-      price: {type: "decimal(10,2)"}  # in euros',
          '+      price: {type: "decimal(12,2)", nullable: true} # in euros']),
        ((ID, "title varchar(40) not null", PRICE, KEY),
         ['-      name: {type: varchar(40), description: "Shown: on the box."}',
          '+      title: {type: varchar(40), description: "Shown: on the box."}']),
        ((ID, PRICE, KEY), ['-      name: {type: varchar(40), description: "Shown: on the box."}']),
        ((ID, NAME, PRICE, "primary key (toy_id, name)"),
         ["-    primary_key: [toy_id]     # for ever", "+    primary_key: [toy_id, name] # for ever"]),
        ((ID, NAME, PRICE, "phone varchar(20)", KEY),
         ["+      phone: {type: varchar(20), nullable: true, personal: drop}"]),
    ],
)  # fmt: skip
def test_only_what_differs_is_written(toys: Path, items: tuple[str, ...], lines: list[str]):
    definitions = tables(*items)
    found = accepted(toys, definitions)
    assert changed_lines(found) == lines
    found.write()
    contract = load_registry(toys).database("toy_shop").contract
    assert schema_changes(contract, definitions) == []
    assert found.text.startswith("# A shop that sells toys.\n")


def test_a_new_table_is_described_or_left_out_with_a_reason(toys: Path):
    found = accepted(
        toys, tables(ID, NAME, PRICE, KEY, boxes="box_id int primary key, mail varchar(99)", people="mail text")
    )
    found.write()
    contract = load_registry(toys).database("toy_shop").contract
    assert contract.tables["boxes"].primary_key == ("box_id",)
    assert contract.tables["boxes"].columns["mail"].personal
    assert contract.left_out == ("people",)
    assert any("'people'" in note for note in found.notes)


@pytest.mark.parametrize("toys", ["own"], indirect=True)
def test_a_new_table_of_an_app_with_models_of_its_own_waits_for_them(toys: Path):
    found = accepted(toys, tables(ID, NAME, PRICE, KEY, boxes="box_id int primary key"))
    assert "left_out: [boxes]" in found.text
    assert "it needs dbt models of its own" in found.notes[0]


def test_files_of_people_that_name_what_went_are_named(include: Path):
    contract = load_registry(include).database("shop_eu").contract
    definitions = {name: definition_of(contract, name) for name in contract.tables}
    gone = definitions["products"]
    definitions["products"] = TableDefinition(
        gone.name, tuple(column for column in gone.columns if column.name != "category"), gone.primary_key
    )
    models = include / "dbt" / "models" / "retail"
    models.mkdir(parents=True)
    (models / "stg.sql").write_text("select category from x")
    (models / "other.sql").write_text("select category_of from x")
    found = acceptance("shop_eu", definitions, {}, include)
    assert found.files == ("include/dbt/models/retail/stg.sql",)


def definition_of(contract: Contract, name: str) -> TableDefinition:
    table = contract.tables[name]
    columns = [
        f"`{column}` {said.type}{'' if said.nullable else ' not null'}" for column, said in table.columns.items()
    ]
    return read_table(f"create table `{name}` ({', '.join(columns)}, primary key ({', '.join(table.primary_key)}))")


def test_a_suite_that_names_what_went_stops_it_before_anything_is_written(include: Path, root: Path):
    shutil.copytree(INCLUDE / "gx", include / "gx")
    before = (include / "contracts" / "retail.yaml").read_text()
    contract = load_registry(include).database("shop_eu").contract
    definitions = {name: definition_of(contract, name) for name in contract.tables}
    price = definitions["products"]
    definitions["products"] = TableDefinition(
        price.name, tuple(column for column in price.columns if column.name != "price"), price.primary_key
    )
    with pytest.raises(RegistryError, match="price"):
        acceptance("shop_eu", definitions, {}, include)
    assert (include / "contracts" / "retail.yaml").read_text() == before
