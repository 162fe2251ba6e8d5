"""What a contract may say of a subject, what a key is, and which tables are looked into."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tributary.contracts import Contract
from tributary.forgetting.cli import databases_of
from tributary.forgetting.in_ops import patterns
from tributary.forgetting.subjects import UnknownSubjectError, depths, faults, looked_for, subject_of, unnamed
from tributary.forgetting.tables import Links, targets, without_column
from tributary.registry import load_registry

TABLES: dict[str, Any] = {
    "customers": {"primary_key": ["id"], "columns": {"id": {"type": "int unsigned"}, "name": {"type": "varchar(9)"}}},
    "orders": {
        "primary_key": ["order_id"],
        "columns": {"order_id": {"type": "bigint"}, "id": {"type": "int unsigned"}},
    },
    "lines": {"primary_key": ["line_id"], "columns": {"line_id": {"type": "int"}, "order_id": {"type": "bigint"}}},
    "gifts": {"primary_key": ["gift_id"], "columns": {"gift_id": {"type": "int"}, "line_id": {"type": "int"}}},
    "goods": {"primary_key": ["sku"], "columns": {"sku": {"type": "varchar(9)"}}},
}
WAY = {
    "customers": "id",
    "orders": "id",
    "lines": {"column": "order_id", "through": "orders"},
    "gifts": {"column": "line_id", "through": "lines"},
}


def contract_of(tables: dict[str, Any] = WAY, described: dict[str, Any] = TABLES, **more: Any) -> Contract:
    subject = {"tables": tables, **more}
    return Contract.model_validate({"app": "shop", "tables": described, "subjects": {"customer": subject}})


def test_the_shipped_contract_names_every_table_of_a_customer():
    contract = load_registry().contracts["retail"]
    assert list(faults(contract)) == []
    assert set(contract.subjects["customer"].tables) == set(contract.tables) - {"products", "discounts"}


def test_tables_are_as_deep_as_their_way_to_the_key_is_long():
    contract = contract_of()
    assert list(faults(contract)) == []
    assert depths(contract.subjects["customer"]) == {"customers": 0, "orders": 0, "lines": 1, "gifts": 2}


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        ({**WAY, "ghosts": "id"}, "tables: found 'ghosts', expected a table or mart of this contract"),
        ({**WAY, "customers": "nick"}, "tables.customers: found 'nick', expected a column of the table"),
        ({"lines": WAY["lines"]}, "tables: found none of the contract's with the column of a key"),
        ({**WAY, "customers": "name"}, "tables: found numbers and texts as columns of one key"),
        ({**WAY, "lines": {"column": "order_id", "through": "goods"}}, "tables.lines.through: found 'goods'"),
        (
            {**WAY, "lines": {"column": "line_id", "through": "gifts"}},
            "tables.lines.through: found 'gifts', which leads back to lines",
        ),
        ({**WAY, "lines": {"column": "nick", "through": "orders"}}, "tables.lines: found 'nick'"),
        ({name: rule for name, rule in WAY.items() if name != "gifts"} | {"gifts": WAY["gifts"]}, None),
        ({name: rule for name, rule in WAY.items() if name != "orders"}, "tables.lines.through: found 'orders'"),
    ],
)
def test_what_cannot_be_is_told_with_what_was_expected(tables: dict[str, Any], fault: str | None):
    found = list(faults(contract_of(tables)))
    if fault is None:
        assert found == []
    else:
        assert [text for text in found if text.startswith(f"subjects.customer.{fault}")], found


@pytest.mark.parametrize("way", ["drop", "hash"])
def test_a_column_whose_values_do_not_leave_mysql_cannot_be_a_key(way: str):
    personal = {**TABLES["orders"]["columns"], "id": {"type": "int unsigned", "personal": way}}
    described = {**TABLES, "orders": {**TABLES["orders"], "columns": personal}}
    assert any("tables.orders: found 'id'" in fault for fault in faults(contract_of(described=described)))


def test_a_table_that_looks_as_if_it_belonged_is_named_or_kept():
    assert list(unnamed(contract_of())) == []
    (found,) = unnamed(contract_of({"customers": "id"}))
    assert found.startswith("subjects.customer.tables: orders has id, too; expected it among them, or under `kept`")
    assert list(unnamed(contract_of({"customers": "id"}, kept={"orders": "tax law, ten years"}))) == []


@pytest.mark.parametrize(("given", "value"), [("7", "7"), (" 007 ", "7"), ("0", "0"), ("4294967295", "4294967295")])
def test_a_key_has_one_form(given: str, value: str):
    contract = contract_of()
    assert looked_for(contract, contract.subjects["customer"], given) == value


@pytest.mark.parametrize("given", ["", "-1", "x", "1.0", "4294967296", "٣", "1; drop"])
def test_a_key_that_no_row_could_have_is_refused(given: str):
    contract = contract_of()
    with pytest.raises(UnknownSubjectError, match=r"expected a whole number of 0 to 4294967295 for customers\.id"):
        looked_for(contract, contract.subjects["customer"], given)


def test_a_key_of_letters_is_as_long_as_its_column():
    contract = contract_of({"customers": "name"}, kept={"orders": "x"})
    assert looked_for(contract, contract.subjects["customer"], " Ada ") == "Ada"
    with pytest.raises(UnknownSubjectError, match="found a key of 10 characters, expected 1 to 9"):
        looked_for(contract, contract.subjects["customer"], "x" * 10)


def test_who_names_no_subject_or_database_is_told_which_there_are():
    registry = load_registry()
    with pytest.raises(UnknownSubjectError, match="found the subject 'pilot', expected one of retail: customer"):
        subject_of(registry.contracts["retail"], "pilot")
    with pytest.raises(UnknownSubjectError, match="found the app 'bank', expected one of retail, flights"):
        databases_of(registry, "bank", "customer", [])
    with pytest.raises(UnknownSubjectError, match="found the database 'airport_ewr', expected one of retail: shop_eu"):
        databases_of(registry, "retail", "customer", ["airport_ewr"])
    with pytest.raises(UnknownSubjectError, match="the same key is another customer in each database of retail"):
        databases_of(registry, "retail", "customer", [])
    found = databases_of(registry, "retail", "customer", ["shop_us", "shop_us"])
    assert [database.name for database in found] == ["shop_us"]


COLUMNS = {
    "customers": {"id": "INT64", "_dump_date": "DATE"},
    "orders": {"order_id": "INT64", "id": "NUMERIC(10, 0)", "_dump_date": "DATE"},
    "orders__history": {"order_id": "INT64", "id": "INT64"},
    "lines__history": {"order_id": "INT64"},
    "gifts": {"line_id": "INT64", "_dump_date": "DATE"},
    "big_spenders": {"id": "INT64", "total": "NUMERIC"},
    "goods": {"sku": "STRING"},
    "_tributary_load": {"id": "INT64"},
}


def test_tables_of_people_and_histories_are_found_by_their_columns_the_farthest_first():
    contract = contract_of()
    found = targets(contract, contract.subjects["customer"], COLUMNS)
    assert [(one.table, one.known_as, one.column, one.through) for one in found] == [
        ("gifts", "gifts", "line_id", "lines"),
        ("lines__history", "lines", "order_id", "orders"),
        ("big_spenders", "", "id", None),
        ("customers", "customers", "id", None),
        ("orders", "orders", "id", None),
        ("orders__history", "orders", "id", None),
    ]
    assert next(one for one in found if one.table == "orders").condition() == "`id` = safe_cast(@key as NUMERIC)"


def test_what_is_kept_is_not_looked_into_nor_its_history():
    contract = contract_of({"customers": "id"}, kept={"orders": "tax law"})
    found = targets(contract, contract.subjects["customer"], COLUMNS)
    assert [one.table for one in found] == ["big_spenders", "customers"]


def test_rows_of_a_day_go_by_the_keys_of_that_day_and_those_without_a_day_by_those_of_any():
    contract = contract_of()
    gifts, history, *_ = targets(contract, contract.subjects["customer"], COLUMNS)
    links = Links("7")
    links.add("lines", [("2013-01-01", "5"), ("2013-01-02", "6")])
    links.add("orders", [("2013-01-01", "9"), ("2013-01-02", "9"), ("", "8")])
    assert "_dump_date" in gifts.condition()
    assert links.parameters(gifts) == {"keys_of_lines": '["2013-01-01 5", "2013-01-02 6"]'}
    assert "_dump_date" not in history.condition()
    assert links.parameters(history) == {"keys_of_orders_of_any_day": '["8", "9"]'}


def test_a_table_that_lacks_its_column_is_named():
    contract = contract_of()
    found = without_column(
        contract.subjects["customer"], {"orders": {"buyer": "INT64"}, "lines": {"order_id": "INT64"}}
    )
    assert list(found) == ["orders.id"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("customers id=7", True),
        ("customers _database=shop_eu, id=7, day=1", True),
        ('customers {"id":7}', True),
        ('customers {"id":"7","line":1}', True),
        ("lines order_id=9, line=2", True),
        ('lines {"order_id":9,"line":2}', True),
        ("orders order_id=9", True),
        ("lines line_id=5", True),
        ("customers id=77", False),
        ("customers id=17", False),
        ("customers idx=7", False),
        ("lines order_id=7", False),
        ("lines xorder_id=9", False),
        ("goods id=7", False),
        ('goods {"sku":7}', False),
    ],
)
def test_keys_are_known_in_both_forms_that_ops_has_and_of_their_own_table(text: str, named: bool):
    links, contract = Links("7"), contract_of()
    links.add("orders", [("2013-01-01", "9")])
    links.add("lines", [("2013-01-01", "5")])
    (found,) = patterns("7", contract, contract.subjects["customer"], [links])
    assert bool(re.search(found, text)) == named


def test_many_keys_are_told_by_several_patterns():
    links, contract = Links("7"), contract_of()
    links.add("orders", [("2013-01-01", str(number)) for number in range(1200)])
    found = list(patterns("7", contract, contract.subjects["customer"], [links]))
    assert max(map(len, found)) < 10_000
    for number in (0, 7, 499, 500, 1199):
        told = [one for one in found if re.search(one, f"orders order_id={number}")]
        assert len(told) == 1, number
