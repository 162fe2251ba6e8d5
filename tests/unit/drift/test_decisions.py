"""Which consequence a change has in which mode, and the contract of what a run copies."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tributary.contracts import Contract, OnChange
from tributary.drift.changes import ChangeKind, SchemaChange
from tributary.drift.conforming import statements
from tributary.drift.decisions import Decision, Outcome, decide, decisions_about, evolved, require_no_stop
from tributary.drift.of_run import unfit_rules
from tributary.drift.table import EXAMPLES, markdown
from tributary.dumps import DumpReport, preflight
from tributary.errors import SchemaDriftError

COLUMNS = {
    "id": {"type": "int"},
    "code": {"type": "varchar(9)"},
    "price": {"type": "decimal(10,2)", "nullable": True},
    "mail": {"type": "varchar(99)", "personal": True},
}


def contract(**said: Any) -> Contract:
    table = {"primary_key": ["id"], "columns": COLUMNS} | said.pop("table", {})
    return Contract.model_validate({"app": "shop", "models": "none", "tables": {"t": table}} | said)


def change(kind: ChangeKind, column: str = "", expected: str = "", found: str = "") -> SchemaChange:
    return SchemaChange(kind, "t", column, expected, found)


TEXT_PRICE = change(ChangeKind.RETYPED, "price", "decimal(10,2)", "varchar(20)")
DROPPED_PRICE = change(ChangeKind.COLUMN_DROPPED, "price", "decimal(10,2)")
EMPTY_PRICE = "add column `price` decimal(10,2) null"


def test_the_nearest_mode_counts():
    columns = {**COLUMNS, "price": {**COLUMNS["price"], "on_change": "discard_column"}}
    said = contract(on_change="freeze", table={"on_change": "evolve", "columns": columns})
    assert said.on_change_of("t", "price") is OnChange.discard_column
    assert said.on_change_of("t", "code") is OnChange.evolve
    assert said.on_change_of("t") is OnChange.evolve
    assert said.on_change_of("new_table") is OnChange.freeze
    assert contract().on_change_of("t", "price") is None


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_freeze_stops_every_kind(kind: ChangeKind):
    assert decide(contract(on_change="freeze"), change(kind, "price")).outcome is Outcome.STOPPED


def test_a_new_column_that_looks_personal_waits_for_a_person():
    said = contract(on_change="evolve")
    found = decide(said, change(ChangeKind.COLUMN_ADDED, "phone", found="varchar(20)"))
    assert (found.outcome, found.why) == (Outcome.LEFT_OUT, "its name says a way to reach a person")
    assert decide(said, change(ChangeKind.COLUMN_ADDED, "stock", found="int")).outcome is Outcome.COPIED
    assert decide(said, change(ChangeKind.COLUMN_ADDED, "_airbyte_x", found="int")).outcome is Outcome.LEFT_OUT


def test_a_new_column_may_be_a_personal_one_by_another_name():
    said = contract(on_change="evolve")
    items = "id int not null, code varchar(9) not null, price decimal(10,2), {}, primary key (id)"
    same_type, other_type = "reach varchar(99)", "stock int"
    for found, mail, outcome in (
        (same_type, "", Outcome.LEFT_OUT),
        (other_type, "", Outcome.COPIED),
        (same_type, "mail varchar(99) not null, ", Outcome.COPIED),
    ):
        (one,) = decisions_about(said, report(items.format(mail + found)))
        assert (one.change.column, one.outcome) == (found.split()[0], outcome)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("title", ""),
        ("phone", "its name says a way to reach a person"),
        ("t` to `x`, drop column `id", "its name is more than letters, digits and underscores, or begins with a digit"),
    ],
)
def test_a_renamed_column_is_read_only_by_a_name_that_may_be_one(found: str, why: str):
    one = decide(contract(on_change="evolve"), change(ChangeKind.COLUMN_RENAMED, "code", "code", found))
    assert (one.outcome, one.why) == (Outcome.STOPPED if why else Outcome.RENAMED, why)


def test_a_renamed_column_may_be_a_personal_one_by_another_name():
    columns = {**COLUMNS, "mail": {"type": "varchar(9)", "personal": True}}
    said = contract(on_change="evolve", table={"columns": columns})
    items = "id int not null, title varchar(9) not null, price decimal(10,2), {}primary key (id)"
    for mail, outcome in (("", Outcome.STOPPED), ("mail varchar(9) not null, ", Outcome.RENAMED)):
        (one,) = decisions_about(said, report(items.format(mail)))
        assert (one.change.kind, one.outcome) == (ChangeKind.COLUMN_RENAMED, outcome)


def report(items: str) -> DumpReport:
    text = f"create table t ({items});\n-- Dump completed on 2013-01-01\n"
    return preflight(io.BytesIO(text.encode()), "shop", require_completion=False, describe=True)


def test_a_table_whose_definition_cannot_be_read_is_left_alone():
    unread = report("id int not null, 'text' int")
    assert "t" not in unread.definitions
    assert decisions_about(contract(), unread) == []


def test_a_key_is_not_converted_and_rows_without_one_are_not_set_aside():
    key = change(ChangeKind.RETYPED, "id", "int", "varchar(9)")
    assert decide(contract(on_change="evolve"), key).outcome is Outcome.STOPPED
    keyless = contract(on_change="quarantine_rows", table={"primary_key": []})
    assert decide(keyless, TEXT_PRICE).outcome is Outcome.STOPPED
    assert decide(contract(on_change="quarantine_rows"), TEXT_PRICE).outcome is Outcome.SET_ASIDE


def test_what_is_not_copied_may_have_any_type():
    mail = change(ChangeKind.RETYPED, "mail", "varchar(99)", "blob")
    assert decide(contract(), mail).outcome is Outcome.FITS


def test_a_run_copies_the_columns_of_the_contract_and_those_of_its_decisions():
    said = contract(on_change="evolve")
    added = decide(said, change(ChangeKind.COLUMN_ADDED, "stock", found="int"))
    aside = decide(contract(on_change="quarantine_rows"), TEXT_PRICE)
    copied = evolved(said, [added, aside]).tables["t"]
    assert copied.selected_columns == ("id", "code", "price", "stock", "_unfit_price")
    assert said.tables["t"].selected_columns == ("id", "code", "price")
    rules = unfit_rules([added, aside]).tables["t"].expectations
    assert [(rule.name, rule.columns) for rule in rules] == [("column_price_fits", ("_unfit_price",))]


def test_a_decision_is_the_same_after_its_way_through_xcom():
    for mode in (None, *OnChange):
        one = decide(contract(on_change=mode), TEXT_PRICE)
        assert Decision.of(one.to_dict()) == one
        assert all(isinstance(value, str) for value in one.to_dict().values())


def test_what_stops_a_dump_is_told_in_one_error_with_the_ways_out():
    said = contract()
    decisions = [decide(said, TEXT_PRICE), decide(said, change(ChangeKind.COLUMN_ADDED, "stock", found="int"))]
    with pytest.raises(SchemaDriftError) as caught:
        require_no_stop(decisions, "shop_eu", "shop")
    message = str(caught.value)
    assert "t.price: other type: decimal(10,2), found varchar(20)" in message
    assert "tributary contract accept shop_eu" in message
    assert "stock" not in message
    require_no_stop(decisions[1:], "shop_eu", "shop")


@pytest.mark.parametrize(
    ("one", "there", "expected"),
    [
        (DROPPED_PRICE, ["id"], [EMPTY_PRICE]),
        (DROPPED_PRICE, ["id", "price"], []),
        (TEXT_PRICE, ["id", "_found_price", "price"], []),
        (TEXT_PRICE, ["id", "_found_price"], [EMPTY_PRICE]),
        (TEXT_PRICE, ["id", "price"], ["rename column `price` to `_found_price`", EMPTY_PRICE]),
    ],
)  # fmt: skip
def test_a_try_goes_on_where_a_killed_one_stopped(one: SchemaChange, there: list[str], expected: list[str]):
    said = contract(on_change="discard_column")
    assert list(statements(decide(said, one), said.tables["t"], there)) == expected


def test_the_page_tells_every_kind_of_change():
    assert {change.kind for _, change in EXAMPLES} == set(ChangeKind)
    told = markdown().splitlines()
    assert len(told) == len(EXAMPLES) + 2
    assert told[4] == "| added column | left out | copied | stopped | left out | left out |"


def personal(way: str) -> Contract:
    columns = {**COLUMNS, "price": {"type": "varchar(99)", "nullable": True, "personal": way}}
    return contract(on_change="evolve", table={"columns": columns})


@pytest.mark.parametrize("way", ["hash", "mask", "tag"])
def test_a_new_column_may_be_a_hashed_masked_or_tagged_one_by_another_name(way: str):
    items = "id int not null, code varchar(9) not null, {}mail varchar(99) not null, stock int, {}primary key (id)"
    gone, added = decisions_about(personal(way), report(items.format("", "reach varchar(99), ")))[:2], {}
    assert [str(one.change.kind) for one in gone if one.change.column == "price"] == ["dropped column"]
    for price in ("", "price varchar(99), "):
        found = decisions_about(personal(way), report(items.format(price, "reach varchar(99), ")))
        added[price] = next(one.outcome for one in found if one.change.column == "reach")
    assert added == {"": Outcome.LEFT_OUT, "price varchar(99), ": Outcome.COPIED}


def test_a_personal_column_is_followed_to_a_name_that_looks_personal():
    renamed = change(ChangeKind.COLUMN_RENAMED, "price", "price", "phone")
    assert decide(personal("hash"), renamed).outcome is Outcome.RENAMED
    assert decide(personal("tag"), renamed).outcome is Outcome.RENAMED
    assert decide(contract(on_change="evolve"), renamed).outcome is Outcome.STOPPED


@pytest.mark.parametrize("way", ["hash", "mask", "tag"])
def test_personal_values_that_do_not_fit_are_not_set_aside_in_clear(way: str):
    columns = {**COLUMNS, "price": {"type": "date", "nullable": True, "personal": way, "on_change": "quarantine_rows"}}
    one = decide(contract(table={"columns": columns}), change(ChangeKind.RETYPED, "price", "date", "varchar(99)"))
    assert (one.outcome, one.why) == (Outcome.STOPPED, "personal values are not set aside in clear")
