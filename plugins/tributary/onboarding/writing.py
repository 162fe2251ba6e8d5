"""A contract and its suite as people write them: a line a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tributary.contracts import Column, Table
from tributary.onboarding.inference import Inferred
from tributary.onboarding.ranges import bounds_rule
from tributary.quality.contract_rules import rule_words

_SCHEMA = "# yaml-language-server: $schema=../schemas/contract.schema.json\n"
_SUITE = (
    "# Rules of the raw layer; the form is explained in plugins/tributary/quality/suites.py. Those about columns,\n"
    "# types, empty values, enums and keys follow from the contract. These are guesses: take out what is not so.\n"
)


def contract_yaml(inferred: Inferred) -> str:
    """The text of `include/contracts/<app>.yaml`; comments say why a column is personal, and what is left out."""
    contract = inferred.contract
    head = contract.model_dump(exclude={"tables", "marts"}, exclude_defaults=True, mode="json")
    lines = [_SCHEMA + yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip("\n"), "", "tables:"]
    for name, table in contract.tables.items():
        lines += [*_table(name, table, inferred.personal.get(name, {})), ""]
    lines += [f"# left out: {name!r}: {reason}" for name, reason in inferred.left_out.items()]
    return "\n".join(lines).rstrip("\n") + "\n"


def suite_yaml(inferred: Inferred) -> str:
    """The text of `include/gx/<app>/raw.yaml`, with the bounds that numbers seem to have; empty where none does."""
    lines: list[str] = []
    for name, found in inferred.bounds.items():
        words = rule_words(inferred.contract.tables[name].selected_columns)
        rules = [bounds_rule(column, words[column], bounds) for column, bounds in found.items()]
        if rules:
            lines += [f"  {inline(name)}:", "    expectations:", *(line for rule in rules for line in _rule(rule)), ""]
    return "\n".join((_SUITE + "tables:", *lines)).rstrip("\n") + "\n" if lines else ""


def _rule(rule: Mapping[str, Any]) -> Iterator[str]:
    for key, value in rule.items():
        yield f"      {'- ' if key == 'type' else '  '}{key}: {inline(value)}"


def _table(name: str, table: Table, personal: Mapping[str, str]) -> Iterator[str]:
    yield f"  {inline(name)}:"
    if table.description:
        yield f"    description: {inline(table.description)}"
    yield f"    primary_key: {inline(list(table.primary_key))}"
    yield "    columns:"
    for column_name, column in table.columns.items():
        reason = personal.get(column_name)
        yield f"      {inline(column_name)}: {inline(_said(column))}{f'  # {reason}' if reason else ''}"


def _said(column: Column) -> dict[str, Any]:
    """A column without what need not be said."""
    return column.model_dump(mode="json", exclude_defaults=True)


def inline(value: Any) -> str:
    """The value on one line, quoted where YAML would read it as something else."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**9)
    return str(text).removesuffix("\n").removesuffix("\n...")
