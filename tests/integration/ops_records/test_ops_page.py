"""The page about `ops`: its columns are the tables' own, and BigQuery takes its queries."""

from __future__ import annotations

import re

import pytest

from tests.support.services import ROOT
from tributary.ledger.store import TABLES, OpsStore

PAGE = (ROOT / "docs" / "ops.md").read_text()
SECTIONS = dict(re.findall(r"^## `ops\.(\w+)`\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def test_every_table_has_its_section_with_an_example():
    logs = {table for table in TABLES if table.endswith("_log")}
    assert set(SECTIONS) == set(TABLES) - logs
    assert [name for name, text in SECTIONS.items() if f"from ops.{name}" not in text] == []


def test_the_columns_are_those_of_the_tables(store: OpsStore):
    query = "select table_name, column_name from ops.INFORMATION_SCHEMA.COLUMNS order by ordinal_position"
    found: dict[str, list[str]] = {}
    for table, column in store.client.query(query).result():
        found.setdefault(table, []).append(column)
    for name, text in SECTIONS.items():
        assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == found[name], f"docs/ops.md: ops.{name}"


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0])
def test_every_example_runs(store: OpsStore, query: str):
    list(store.client.query(query).result())
