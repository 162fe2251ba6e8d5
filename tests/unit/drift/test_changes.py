"""Each kind of difference between a contract and a dump's definitions."""

from __future__ import annotations

import pytest

from tributary.contracts import Column, Contract
from tributary.drift.changes import ChangeKind, SchemaChange, schema_changes
from tributary.dumps.definitions import TableDefinition, read_table

CONTRACT = Contract.model_validate(
    {
        "app": "shop",
        "models": "none",
        "tables": {
            "t": {
                "primary_key": ["id"],
                "columns": {
                    "id": {"type": "int unsigned"},
                    "a": {"type": "varchar(9)"},
                    "b": {"type": "decimal(10,2)", "nullable": True},
                },
            }
        },
    }
)
ID, A, B, KEY = "id int(10) unsigned not null", "a varchar(9) not null", "b numeric(10,2)", "primary key (id)"


def found(*items: str) -> list[SchemaChange]:
    return schema_changes(CONTRACT, {"t": read_table(f"create table t ({', '.join(items)})")})


def test_the_same_table_in_other_words_has_not_changed():
    assert found(ID, A, B, KEY) == []
    assert found(B, A, ID, KEY) == []
    assert found(ID, A, B, "unique (id)") == []


@pytest.mark.parametrize(
    ("items", "change"),
    [
        ((ID, A, B, "c int", KEY), (ChangeKind.COLUMN_ADDED, "c", "", "int")),
        ((ID, A, KEY), (ChangeKind.COLUMN_DROPPED, "b", "decimal(10,2)", "")),
        ((ID, "z varchar(9) not null", B, KEY), (ChangeKind.COLUMN_RENAMED, "a", "a", "z")),
        ((ID, "a varchar(5) not null", B, KEY), (ChangeKind.RETYPED, "a", "varchar(9)", "varchar(5)")),
        ((ID, "a varchar(9)", B, KEY), (ChangeKind.NULLABLE, "a", "", "")),
        ((ID, A, "b decimal(10,2) not null", KEY), (ChangeKind.REQUIRED, "b", "", "")),
        ((ID, A, B, "primary key (id, a)"), (ChangeKind.KEY_CHANGED, "", "id", "id, a")),
        ((ID, A, B), (ChangeKind.KEY_CHANGED, "", "id", "")),
    ],
)
def test_one_change_is_told_as_what_it_is(items: tuple[str, ...], change: tuple[ChangeKind, str, str, str]):
    kind, column, expected, there = change
    assert found(*items) == [SchemaChange(kind, "t", column, expected, there)]


def test_a_personal_column_may_be_gone():
    table = CONTRACT.tables["t"]
    columns = {**table.columns, "email": Column(type="varchar(9)", personal=True)}
    contract = CONTRACT.model_copy(update={"tables": {"t": table.model_copy(update={"columns": columns})}})
    assert schema_changes(contract, {"t": read_table(f"create table t ({ID}, {A}, {B}, {KEY})")}) == []


def test_a_column_of_another_type_in_its_place_is_another_column():
    kinds = [change.kind for change in found(ID, "z int not null", B, KEY)]
    assert kinds == [ChangeKind.COLUMN_DROPPED, ChangeKind.COLUMN_ADDED]


def test_two_neighbours_that_were_renamed_are_told_in_their_order():
    changes = found(ID, "y varchar(9) not null", "z decimal(10,2)", KEY)
    assert [(change.expected, change.found) for change in changes] == [("a", "y"), ("b", "z")]


def test_tables_that_came_and_went():
    other = {"u": TableDefinition("u", ())}
    assert schema_changes(CONTRACT, other) == [
        SchemaChange(ChangeKind.TABLE_MISSING, "t"),
        SchemaChange(ChangeKind.TABLE_NEW, "u"),
    ]
