"""What holds for all SQL that goes to BigQuery, wherever it lies."""

from __future__ import annotations

import re

import pytest

from tributary import naming
from tributary.registry import INCLUDE
from tributary.sqlfiles import SQL

PLUGINS = INCLUDE.parent / "plugins"
# MySQL's views stand alone and may be written in any case; BigQuery's follow a dataset or a region.
VIEW = re.compile(r"\.\s*`?(information_schema`?\s*\.\s*`?\w+)", re.IGNORECASE)


def views_in_lower_case(text: str) -> list[str]:
    return [name for name in VIEW.findall(text) if name != name.upper()]


def test_bigquery_s_own_views_are_named_in_upper_case():
    """Their names are case-sensitive there, which the emulator does not mind."""
    texts = {path: path.read_text() for path in PLUGINS.rglob("*.py")}
    for folder in (SQL, INCLUDE / "dbt"):
        texts |= {path: path.read_text() for path in folder.rglob("*.sql")}
    assert any(VIEW.search(text) for text in texts.values())
    assert {path: found for path, text in texts.items() if (found := views_in_lower_case(text))} == {}


def test_names_that_code_needs_too_are_filled_in():
    """`naming` has them; a second place would go its own way."""
    texts = {path: path.read_text() for path in SQL.rglob("*.sql")}
    assert [path for path, text in texts.items() if naming.PUBLICATION in text or naming.LOAD_MARKER in text] == []


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("from `shop_eu`.information_schema.columns", ["information_schema.columns"]),
        ("from `region-us`.INFORMATION_SCHEMA.Jobs", ["INFORMATION_SCHEMA.Jobs"]),
        ("from shop_eu.`information_schema`.`tables`", ["information_schema`.`tables"]),
        ("from ops.INFORMATION_SCHEMA.TABLES", []),
        ("from information_schema.columns where table_schema = %s", []),
    ],
)
def test_which_names_of_views_are_found(sql: str, found: list[str]):
    assert views_in_lower_case(sql) == found
