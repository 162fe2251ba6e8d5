"""What a connection moves: names, columns and datasets."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.airbyte.catalog import SourceColumn, SourceStream
from localcloud.airbyte.connections import StreamBroken, configured, dataset_of, plan, snapshot, table_of
from localcloud.airbyte.names import safe_name

ID = SourceColumn("id", "int", "int(11)")
NAME = SourceColumn("name", "varchar", "varchar(9)")
PRICE = SourceColumn("unit price", "decimal", "decimal(10,2)", 10, 2)
BEFORE = {"items": SourceStream("items", (ID, NAME), ("id",))}


def connection(behaviour: str = "ignore", **stream: Any) -> dict[str, Any]:
    """A connection of the stream ``items``, configured when the source looked like BEFORE."""
    configurations = configured({"streams": [{"name": "items", **stream}]}, BEFORE)
    return {
        "configurations": configurations,
        "catalog": snapshot(configurations, BEFORE),
        "nonBreakingSchemaUpdatesBehavior": behaviour,
    }


def planned(found: tuple[SourceColumn, ...], behaviour: str = "ignore", **stream: Any) -> list[tuple[str, str]]:
    """Names and types of the columns that a sync moves now that the source has the columns *found*."""
    body = connection(behaviour, **stream)
    columns = plan(body["configurations"]["streams"][0], body, {"items": SourceStream("items", found, ("id",))}).columns
    return [(column.target, column.read if "null" in column.read else column.bigquery_type) for column in columns]


def test_new_columns_wait_for_a_new_configuration() -> None:
    assert planned((ID, NAME, PRICE)) == [("id", "INT64"), ("name", "STRING")]


@pytest.mark.parametrize("behaviour", ["propagate_columns", "propagate_fully"])
def test_new_columns_move_at_once_when_changes_propagate(behaviour: str) -> None:
    assert planned((ID, PRICE), behaviour) == [("id", "INT64"), ("unit_price", "NUMERIC")]


def test_columns_that_are_gone_stay_as_nulls() -> None:
    assert planned((ID,)) == [("id", "INT64"), ("name", "cast(null as char)")]


def test_a_selection_is_kept_when_changes_propagate() -> None:
    assert planned((ID, NAME, PRICE), "propagate_fully", selectedFields=[{"fieldPath": ["id"]}]) == [("id", "INT64")]


def test_a_lost_key_breaks_a_deduplicating_stream() -> None:
    with pytest.raises(StreamBroken, match=r"primary key or cursor \['id'\] is gone"):
        planned((NAME,), syncMode="full_refresh_overwrite_deduped")


def test_a_change_disables_a_connection_that_asks_for_it() -> None:
    with pytest.raises(StreamBroken, match="the connection is disabled"):
        planned((ID, NAME, PRICE), "disable_connection")


@pytest.mark.parametrize(
    ("settings", "dataset"),
    [
        ({"namespaceDefinition": "destination"}, "raw"),
        ({"namespaceDefinition": "source"}, "shop_eu"),
        (
            {"namespaceDefinition": "custom_format", "namespaceFormat": "raw__${SOURCE_NAMESPACE}"},
            "raw__shop_eu",
        ),
        ({"namespaceDefinition": "custom_format", "namespaceFormat": ""}, "raw"),
        ({"namespaceDefinition": "custom_format", "namespaceFormat": "a-b.c"}, "a_b_c"),
    ],
)
def test_the_dataset_follows_the_namespace_settings(settings: dict[str, str], dataset: str) -> None:
    assert dataset_of(settings, {"database": "shop_eu"}, {"dataset_id": "raw"}) == dataset


def test_the_table_has_the_prefix() -> None:
    assert table_of({"name": "order items"}, {"prefix": "p-"}) == "p_order_items"
    assert table_of({"name": "items"}, {"prefix": None}) == "items"


@pytest.mark.parametrize(("name", "safe"), [("plain_1", "plain_1"), ("2013", "_2013"), ("é a`b", "__a_b"), ("", "")])
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe
