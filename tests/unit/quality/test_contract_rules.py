"""The rules that follow from a contract, without a suite file."""

from __future__ import annotations

from tributary.contracts import Column, Contract, Models, Table
from tributary.quality.contract_rules import contract_expectations
from tributary.quality.rules import Suites, TableSuite


def rules(suites: Suites, table: str) -> dict[str, tuple[str, dict[str, object]]]:
    return {rule.name: (rule.type, rule.kwargs) for rule in suites.tables[table].expectations}


def test_raw_tables_have_types_not_null_unique_key_and_row_count(contract: Contract) -> None:
    suites = contract_expectations(contract, "raw")
    assert list(suites.tables) == ["customers", "lines"]
    assert rules(suites, "customers") == {
        "row_count": ("expect_table_row_count_to_be_between", {"min_value": 0}),
        "key_unique": ("expect_column_values_to_be_unique", {"column": "customer_id"}),
        "customer_id_not_null": ("expect_column_values_to_not_be_null", {"column": "customer_id"}),
    }
    assert suites.tables["customers"].columns == {
        "customer_id": frozenset({"INT64"}),
        "city": frozenset({"STRING"}),
    }


def test_a_compound_key_is_unique_as_a_whole(contract: Contract) -> None:
    unique = rules(contract_expectations(contract, "raw"), "lines")["key_unique"]
    assert unique == ("expect_compound_columns_to_be_unique", {"column_list": ["order_id", "line"]})


def test_an_enum_knows_its_values_with_quotes(contract: Contract) -> None:
    known = rules(contract_expectations(contract, "raw"), "lines")["kind_known"]
    assert known == (
        "expect_column_values_to_be_in_set",
        {"column": "kind", "value_set": ["sold", "it's back"]},
    )


def test_marts_have_their_key_and_a_mart_of_its_own_its_row_count(contract: Contract) -> None:
    suites = contract_expectations(contract, "marts")
    assert set(rules(suites, "lines")) == {"row_count", "key_unique", "order_id_not_null", "line_not_null"}
    assert set(rules(suites, "revenue")) == {"row_count"}
    assert suites.tables["lines"].columns is None


def test_consolidated_keys_begin_with_the_database(contract: Contract) -> None:
    suites = contract_expectations(contract, "consolidated")
    assert suites.tables["customers"].key == ("_database", "customer_id")
    assert "database_not_null" in rules(suites, "customers")


def test_every_rule_says_that_it_comes_from_the_contract(contract: Contract) -> None:
    for layer in ("raw", "marts", "consolidated"):
        for suite in contract_expectations(contract, layer).tables.values():
            assert isinstance(suite, TableSuite)
            assert {rule.origin for rule in suite.expectations} == {"include/contracts/kiosk.yaml"}


def test_values_of_an_enum_are_what_the_rows_have() -> None:
    columns = {"id": Column(type="int"), "a": Column(type=r"enum('a\\b','line\nbreak','it''s','(')")}
    contract = Contract(app="odd", models=Models.NONE, tables={"t": Table(primary_key=("id",), columns=columns)})
    _, kwargs = rules(contract_expectations(contract, "raw"), "t")["a_known"]
    assert kwargs["value_set"] == ["a\\b", "line\nbreak", "it's", "("]


def test_rules_of_columns_of_any_name_have_names_of_their_own() -> None:
    names = ("a", "_a", "A", "_1", "_", "x" * 64, "_" + "x" * 63)
    table = Table(primary_key=("a",), columns={name: Column(type="enum('x')") for name in names})
    contract = Contract(app="odd", models=Models.NONE, tables={"t": table})
    found = contract_expectations(contract, "raw").tables["t"].expectations
    assert len({rule.name for rule in found}) == len(found) == 2 + 2 * len(names)
