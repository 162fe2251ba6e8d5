"""The data dictionary inside Airflow: the same pages, for those who may know of the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.ui.conftest import World

DATA = "/tributary/data"


@pytest.fixture
def world(world: World, manifest: Path) -> World:
    """With dbt's manifest where the pages look for it."""
    assert manifest.is_file()
    return world


def test_a_table_is_told_with_links_within_airflow(world: World):
    html = world.client().get(f"{DATA}/consolidated/orders").text
    assert "Identifies an order within one shop." in html
    assert f'href="{DATA}/apps/retail/marts/orders"' in html
    assert 'href="/tributary/" ' not in html.partition("<main")[2]
    assert f'data-root="{DATA}/" data-suffix="" data-index="{DATA}/search-index.js"' in html
    assert 'href="/cosmos/tributary/dbt_docs_index.html"' in html
    assert f'<a href="{DATA}" aria-current="page">Data</a>' in html


def test_every_link_of_the_dictionary_leads_to_a_page(world: World):
    client = world.client()
    seen: set[str] = set()
    left = [f"{DATA}/"]
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            answer = client.get(path)
            assert answer.status_code == 200, path
            left += re.findall(rf'href="({DATA}/[^"#]*)', answer.text)
    assert len(seen) > 60
    assert f"{DATA}/ops/ledger" in seen


def test_a_database_of_an_app_leads_to_its_days_and_back(world: World):
    client = world.client()
    assert 'href="/tributary/databases/shop_eu"' in client.get(f"{DATA}/apps/retail").text
    assert f'href="{DATA}/apps/retail"' in client.get("/tributary/databases/shop_eu").text


def test_the_search_box_asks_for_a_script_that_the_browser_may_run(world: World):
    answer = world.client().get(f"{DATA}/search-index.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("tributaryIndex([")


def test_whoever_may_not_read_a_dag_is_not_told_of_its_database(world: World, monkeypatch: pytest.MonkeyPatch):
    from tributary.ui.login import SignedIn

    monkeypatch.setattr(SignedIn, "readable", lambda self, dags: {"elt__airport_jfk"} & set(dags))
    client = world.client()
    told = "".join(client.get(f"{DATA}/{path}").text for path in ("", "names", "apps/flights", "search-index.js"))
    assert "airport_jfk" in told
    assert not re.search(r"shop_us|shop_br|retail|lifetime_revenue|consolidated/", told)
    for path in ("consolidated", "consolidated/orders", "apps/retail", "apps/retail/raw/orders"):
        assert client.get(f"{DATA}/{path}").status_code == 404


def test_the_dictionary_needs_neither_bigquery_nor_the_bucket(world: World):
    world.warehouse.away = world.bucket.away = True
    assert world.client().get(f"{DATA}/").status_code == 200
    assert world.warehouse.asked == []


def test_a_page_that_is_not_there_says_so(world: World):
    for path in ("nothing", "apps/nothing", "consolidated/nothing", "apps/retail/staging/stg_retail__orders", "../no"):
        assert world.client().get(f"{DATA}/{path}").status_code == 404, path
