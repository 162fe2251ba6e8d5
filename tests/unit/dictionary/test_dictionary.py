"""What the dictionary says of the shipped project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tributary.dictionary.building import build, read_manifest
from tributary.dictionary.lineage import of_table
from tributary.dictionary.model import Dictionary, Layer
from tributary.errors import TributaryError
from tributary.ledger.store import TABLES
from tributary.registry import INCLUDE, Registry, load_registry


def names(dictionary: Dictionary, layer: Layer, app: str = "") -> list[str]:
    return [table.name for table in dictionary.of(layer, app)]


def test_every_table_of_every_layer_is_there(dictionary: Dictionary):
    contracts = load_registry().contracts
    assert list(dictionary.apps) == list(contracts) != []
    for app, contract in contracts.items():
        assert names(dictionary, Layer.raw, app) == list(contract.tables)
        assert names(dictionary, Layer.staging, app) == sorted(f"stg_{app}__{table}" for table in contract.tables)
        assert names(dictionary, Layer.marts, app) == [*contract.mart_names, *contract.histories.values()]
        assert names(dictionary, Layer.consolidated, app) == list(contract.mart_names)
        assert dictionary.apps[app].problem == ""
    assert names(dictionary, Layer.consolidated) == ["databases"]
    assert names(dictionary, Layer.ops) == sorted(TABLES)


def test_nothing_is_left_without_words(dictionary: Dictionary):
    tables = [table for table in dictionary.tables.values() if table.has_page]
    assert [table.id for table in tables if not table.description or not table.columns] == []
    assert [f"{table.id}.{column.name}" for table in tables for column in table.columns if not column.description] == []
    bare = [f"{table.id}.{column.name}" for table in tables for column in table.copied if not column.bigquery]
    assert bare == [], "without a type"


def test_a_personal_column_is_listed_where_it_comes_from_and_is_in_no_other_table(dictionary: Dictionary):
    customers = dictionary.tables["apps/retail/raw/customers"]
    assert [column.name for column in customers.personal] == ["first_name", "last_name"]
    assert {column.bigquery for column in customers.personal} == {""}
    personal = {column.name for table in dictionary.tables.values() for column in table.personal}
    elsewhere = {
        column.name for table in dictionary.tables.values() if table.layer is not Layer.raw for column in table.columns
    }
    assert len(personal) == 4
    assert personal & elsewhere == set()


def test_columns_have_their_types_on_both_sides(dictionary: Dictionary):
    def types(table: str, column: str) -> tuple[str, str, bool]:
        found = next(it for it in dictionary.tables[table].columns if it.name == column)
        return found.mysql, found.bigquery, found.required

    assert types("apps/retail/raw/products", "price") == ("decimal(10,2)", "NUMERIC", True)
    assert types("apps/retail/raw/products", "active") == ("tinyint(1)", "BOOL or INT64", True)
    assert types("apps/retail/marts/orders", "order_id") == ("bigint", "INT64", True)
    assert types("apps/retail/marts/orders", "net_total") == ("", "NUMERIC", True)
    assert types("consolidated/orders", "discount_id") == ("", "INT64", False)
    assert types("ops/quality_results", "sample_keys") == ("", "ARRAY<STRING>", False)
    assert types("consolidated/databases", "stale") == ("", "BOOL", True)


def test_a_consolidated_table_is_joined_within_a_database(dictionary: Dictionary):
    orders = dictionary.tables["consolidated/orders"]
    assert orders.key == ("_database", "order_id")
    assert [(join.to, join.on) for join in orders.joins] == [
        ("consolidated/customers", ("_database", "customer_id")),
        ("consolidated/addresses", ("_database", "address_id")),
        ("consolidated/discounts", ("_database", "discount_id")),
    ]
    assert {of for of, _ in dictionary.joined_by[orders.id]} == {"consolidated/order_items", "consolidated/payments"}


def test_a_mart_is_joined_and_named_within_a_day(dictionary: Dictionary):
    items = dictionary.tables["apps/retail/marts/order_items"]
    assert items.key == ("_dump_date", "order_id", "line_number")
    assert [join.on for join in items.joins] == [("_dump_date", "order_id"), ("_dump_date", "product_id")]
    assert dictionary.tables["apps/retail/marts/revenue_by_location"].nullable_key == ("state",)


def test_lineage_leads_from_consolidated_back_to_raw(dictionary: Dictionary):
    found = of_table(dictionary, dictionary.tables["consolidated/revenue_by_location"])
    boxes = {box.id: box for box in found.picture.boxes}
    assert {"apps/retail/raw/orders", "apps/retail/raw/addresses", "apps/retail/marts/orders"} < set(boxes)
    assert "apps/retail/marts/customers" not in boxes, "it is not made from it"
    assert [words for _, words in found.picture.headings] == ["raw", "staging", "marts", "consolidated"]
    assert all(boxes[line.source].x < boxes[line.target].x for line in found.picture.lines)
    assert [table.id for table in found.reads] == ["apps/retail/marts/revenue_by_location"]


def test_checks_come_from_contract_suite_and_dbt(dictionary: Dictionary):
    raw, mart = dictionary.tables["apps/retail/raw/orders"], dictionary.tables["apps/retail/marts/orders"]
    rules = {check.name: check for check in raw.rules}
    assert rules["schema"].origin == rules["status_known"].origin == "include/contracts/retail.yaml"
    assert rules["customer_exists"].origin == "include/gx/retail/raw.yaml"
    assert "{customers}" in rules["customer_exists"].sql
    assert rules["never_shrinks"].why
    tests = {check.name: check for check in mart.tests}
    assert tests["orders__row_by_row"].stops == "stops the run"
    assert tests["an_order_adds_up_its_own_lines_and_payments"].by == "dbt unit test"


def test_a_view_of_ops_has_the_columns_of_its_log_by_its_own_names(dictionary: Dictionary):
    landings = dictionary.tables["ops/landings"]
    assert (landings.kind, landings.upstream) == ("view", ("ops/runs",))
    assert [column.name for column in landings.columns][-1] == "landed_at"
    assert landings.columns[-1].bigquery == "TIMESTAMP"


def test_models_that_the_manifest_lacks_are_told(cinema: Registry, project: Mapping[str, Any]):
    made = build(cinema, project, INCLUDE)
    assert names(made, Layer.raw, "cinema") == ["films"]
    assert names(made, Layer.marts, "cinema") == []
    assert "no model of films" in made.apps["cinema"].problem


def test_somebody_is_told_of_what_they_may_read_alone(dictionary: Dictionary):
    shown = dictionary.shown_to({"shop_eu"}, consolidated=False)
    assert [database.name for database in shown.databases] == ["shop_eu"]
    assert list(shown.apps) == ["retail"]
    layers = {table.layer for table in shown.tables.values()}
    assert layers == {Layer.raw, Layer.staging, Layer.marts, Layer.ops}
    assert not re.search("flights|airport|shop_us|consolidated/", str(shown))


def test_who_may_read_consolidated_alone_is_told_of_it_and_of_no_database(dictionary: Dictionary):
    shown = dictionary.shown_to((), consolidated=True)
    assert shown.databases == ()
    assert {table.layer for table in shown.tables.values()} == {Layer.consolidated, Layer.ops}
    assert len(names(shown, Layer.consolidated, "flights")) == 6
    assert len(dictionary.shown_to((), consolidated=False).apps) == 0


def test_a_manifest_that_is_not_there_is_told_with_the_way_out(tmp_path: Any):
    with pytest.raises(TributaryError, match=r"found no file; `stack/dbt-artifacts DBT` writes it"):
        read_manifest(tmp_path / "manifest.json")
