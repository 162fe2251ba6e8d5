"""Suite files: what is read, and what is refused with which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tributary.contracts import Contract
from tributary.errors import RegistryError
from tributary.quality.rules import SuiteError, Suites
from tributary.quality.suites import load_suites, suites_for

GOOD = """
tables:
  lines:
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: price, min_value: 0}
        meta: {rule: price_not_negative}
      - type: expect_table_row_count_to_be_between
        kwargs: {min_value: {$PARAMETER: trunc(previous_rows * 0.8)}}
        meta: {rule: shrinks_little}
"""


def load(tmp_path: Path, text: str, contract: Contract, layer: str = "raw") -> Suites:
    path = tmp_path / "include" / "gx" / "kiosk" / f"{layer}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_suites(path, layer=layer, contract=contract)  # type: ignore[arg-type]


def test_a_raw_table_takes_its_key_from_the_contract(tmp_path: Path, contract: Contract) -> None:
    suite = load(tmp_path, GOOD, contract).tables["lines"]
    assert suite.key == ("order_id", "line")
    assert [rule.origin for rule in suite.expectations] == ["include/gx/kiosk/raw.yaml"] * 2


def test_a_rule_knows_its_columns_and_the_values_that_it_needs(tmp_path: Path, contract: Contract) -> None:
    price, rows = load(tmp_path, GOOD, contract).tables["lines"].expectations
    assert (price.columns, price.parameters) == (("price",), frozenset())
    assert (rows.columns, rows.parameters) == ((), frozenset({"previous_rows"}))


def test_rules_of_the_contract_come_before_those_of_the_file(tmp_path: Path, contract: Contract) -> None:
    load(tmp_path, GOOD, contract)
    suites = suites_for(contract, "raw", include=tmp_path / "include")
    assert [rule.name for rule in suites.tables["lines"].expectations][-2:] == [
        "price_not_negative",
        "shrinks_little",
    ]
    assert suites.tables["lines"].columns is not None


def test_an_app_without_a_file_has_the_rules_of_its_contract(tmp_path: Path, contract: Contract) -> None:
    suites = suites_for(contract, "raw", include=tmp_path)
    assert "key_unique" in {rule.name for rule in suites.tables["customers"].expectations}


def rule(type_: str, kwargs: str, name: str = "some_rule") -> str:
    return f"- {{type: {type_}, kwargs: {kwargs}, meta: {{rule: {name}}}}}"


def lines(*rules: str, key: str = "") -> str:
    return "\n".join(["tables:", "  lines:", f"    {key}", "    expectations:", *(f"      {it}" for it in rules)])


BETWEEN = "expect_column_values_to_be_between"
ROWS = "unexpected_rows_expectation"

REFUSED = {
    "unknown key": ("tables: {lines: {rules: []}}", ["tables.lines: rules", "unknown key"]),
    "type": (lines(rule("ensure_price", "{}")), ["rule some_rule: type", "'ensure_price'"]),
    "name of rule": (lines(rule(BETWEEN, "{}", "Bad name!")), ["rule Bad name!: meta.rule"]),
    "no meta": (lines(f"- {{type: {BETWEEN}}}"), ["rule number 1: meta", "required"]),
    "unknown table": ("tables: {shoes: {}}", ["tables.shoes", "expected one of customers, lines"]),
    "unknown column": (lines(rule(BETWEEN, "{column: prize}")), ["rule some_rule", "'prize'", "price"]),
    "twice": (lines(rule(BETWEEN, "{column: price}"), rule(BETWEEN, "{column: line}")), ["twice"]),
    "row condition": (lines(rule(BETWEEN, "{column: price, row_condition: x}")), ["kwargs.row_condition"]),
    "no query": (lines(rule(ROWS, "{}")), ["unexpected_rows_query", "None", "order_id, line"]),
    "whole rows": (
        lines(rule(ROWS, '{unexpected_rows_query: "select * from {batch} as l"}')),
        ["found *", "expected the key alone: order_id, line"],
    ),
    "a column too many": (
        lines(rule(ROWS, '{unexpected_rows_query: "select order_id, line, price from {batch} as l"}')),
        ["found order_id, line, price"],
    ),
    "a part of the key": (
        lines(rule(ROWS, '{unexpected_rows_query: "select line from {batch} as l"}')),
        ["found line"],
    ),
    "no batch": (
        lines(rule(ROWS, '{unexpected_rows_query: "select order_id, line from lines"}')),
        ["no {batch}"],
    ),
    "strange placeholder": (
        lines(rule(ROWS, '{unexpected_rows_query: "select order_id, line from {batch} as l, {shoes} as s"}')),
        ["found {shoes}", "customers, lines"],
    ),
    "unchanged rows where there are none": (
        lines(rule(ROWS, '{unexpected_rows_query: "select order_id, line from {batch} as l, {unchanged} as u"}')),
        ["found {unchanged}", "customers, lines"],
    ),
    "personal in a query": (
        lines(rule(ROWS, '{unexpected_rows_query: "select order_id, line from {batch} as l where email = 1"}')),
        ["'email'", "personal"],
    ),
    "personal column": (
        "tables: {customers: {expectations: [" + rule(BETWEEN, "{column: email}")[2:] + "]}}",
        ["tables.customers", "rule some_rule", "'email'", "personal"],
    ),
    "personal key": ("tables: {customers: {key: [email]}}", ["tables.customers: key", "'email'", "personal"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_file_table_rule_and_what_was_expected(case: str, tmp_path: Path, contract: Contract) -> None:
    text, words = REFUSED[case]
    with pytest.raises(SuiteError) as refusal:
        load(tmp_path, text, contract)
    for word in ("include/gx/kiosk/raw.yaml", *words):
        assert word in str(refusal.value)


def test_a_mart_needs_a_key(tmp_path: Path, contract: Contract) -> None:
    with pytest.raises(SuiteError, match=r"tables\.revenue: key: found none"):
        load(tmp_path, "tables: {revenue: {}}", contract, layer="marts")


def test_a_name_that_the_contract_uses_is_refused(tmp_path: Path, contract: Contract) -> None:
    load(tmp_path, lines(rule(BETWEEN, "{column: price}", "key_unique")), contract)
    with pytest.raises(SuiteError, match=r"rule key_unique: .* include/contracts/kiosk\.yaml; expected another name"):
        suites_for(contract, "raw", include=tmp_path / "include")


def test_a_missing_file_and_broken_yaml_are_named(tmp_path: Path, contract: Contract) -> None:
    with pytest.raises(RegistryError, match="the file is missing"):
        load_suites(tmp_path / "raw.yaml", layer="raw", contract=contract)
    with pytest.raises(RegistryError, match=r"kiosk/raw\.yaml: not valid YAML"):
        load(tmp_path, "tables: {", contract)


def test_importing_does_not_import_great_expectations_or_airflow() -> None:
    code = (
        "import sys, tributary.quality.checkpoint, tributary.quality.suites;"
        "print({'great_expectations', 'airflow', 'google.cloud.bigquery'} & set(sys.modules))"
    )
    plugins = Path(__file__).resolve().parents[3] / "plugins"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": ":".join([str(plugins), *sys.path])},
    )
    assert found.stdout.strip() == "set()"
