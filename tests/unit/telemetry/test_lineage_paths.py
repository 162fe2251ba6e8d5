"""The walk itself, on events written by hand: it is what the tests of lineage rest on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tests.support.lineage import Event, holes, paths

DUMP = ("gs://dumps", "shop/2013-01-02/shop.sql.gz")
STAGED, RAW, MART = ("mysql://h:1", "shop.orders"), ("bigquery", "p.raw__shop.orders"), ("bigquery", "p.shop.orders")
AUDITED, LIVE = ("bigquery", "p.consolidated__audit.orders"), ("bigquery", "p.consolidated.orders")
WAY = [DUMP, STAGED, RAW, MART, AUDITED, LIVE]
EXPECTED = {"orders": ["shop"]}


def event(inputs: list[Any], *outputs: Any, kind: str = "COMPLETE", columns: dict[Any, Any] | None = None) -> Event:
    """`columns`: for an output, what its one column comes from."""

    def dataset(node: Any) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        if columns and node in columns:
            namespace, name = columns[node]
            sources = [{"namespace": namespace, "name": name, "field": "id"}]
            facets["columnLineage"] = {"fields": {"id": {"inputFields": sources}}}
        return {"namespace": node[0], "name": node[1], "facets": facets}

    return {"eventType": kind, "inputs": [dataset(one) for one in inputs], "outputs": [dataset(one) for one in outputs]}


def whole() -> list[Event]:
    return [event([before], after) for before, after in pairwise(WAY)]


def test_an_unbroken_path_is_followed_to_its_end():
    found = paths(whole())
    assert found == {"orders": {DUMP: tuple(reversed(WAY))}}
    assert holes(found, EXPECTED, "dumps") == []


def test_each_missing_link_is_a_hole():
    for missing in range(len(WAY) - 1):
        events = whole()
        del events[missing]
        assert holes(paths(events), EXPECTED, "dumps") != [], missing


def test_a_job_that_failed_or_only_began_is_no_link():
    for kind in ("FAIL", "START"):
        events = whole()
        events[2] = event([RAW], MART, kind=kind)
        assert "before the bucket" in holes(paths(events), EXPECTED, "dumps")[0]


def test_a_database_without_a_path_and_one_too_many_are_told():
    found = paths(whole())
    assert holes(found, {"orders": ["shop", "other"]}, "dumps") == ["orders: no path to a dump of other"]
    assert holes(found, {"orders": []}, "dumps") == ["orders: comes from shop, unexpected"]
    assert holes(found, {**EXPECTED, "items": []}, "dumps") == ["items: no event says that it was written"]


def test_where_columns_are_known_other_inputs_of_the_job_do_not_count():
    other = ("bigquery", "p.raw__shop.items")
    events = [*whole()[:2], event([RAW, other], MART, columns={MART: RAW}), *whole()[3:]]
    assert holes(paths(events), EXPECTED, "dumps") == []
    events[2] = event([RAW, other], MART)
    assert "p.raw__shop.items" in holes(paths(events), EXPECTED, "dumps")[0]


def test_the_latest_writing_of_a_table_counts():
    again = event([], RAW)
    assert holes(paths([*whole(), again]), EXPECTED, "dumps") != []


def test_tables_that_make_a_circle_end_the_walk():
    assert paths([event([LIVE], LIVE)]) == {"orders": {}}
    assert holes(paths([event([LIVE], LIVE)]), EXPECTED, "dumps") == ["orders: no path to a dump of shop"]
