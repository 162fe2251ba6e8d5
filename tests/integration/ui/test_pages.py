"""What the pages show, as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.integration.ui.conftest import World
from tests.unit.dead_letters.letters_in_memory import make_letter
from tests.unit.ui.facts_in_memory import (
    TODAY,
    days_before,
    letter_row,
    published_row,
    run_row,
    timing_row,
    try_row,
    with_broken,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
PAGES = ("/", "/consolidated", "/dead-letters", "/databases/shop_eu", "/dead-letters/shop_eu/2013-01-02/sync")


@pytest.fixture
def full(world: World) -> World:
    """A world with something to see on every page."""
    days = [days_before(back) for back in range(14)]
    world.warehouse.answers = {
        "ui/runs": [
            *(run_row("shop_eu", day, rows=1000 + number) for number, day in enumerate(days)),
            run_row("shop_us", days_before(1), hours=4),
        ],
        "ui/timings": [timing_row("elt__shop_eu", day, 100 + number) for number, day in enumerate(days)],
        "ui/quality": [
            {"database": "shop_eu", "layer": "raw", "dump_date": TODAY, "passed": 40, "failed": 0},
            {"database": "shop_eu", "layer": "marts", "dump_date": TODAY, "passed": 59, "failed": 1},
        ],
        "ui/dead_letters": [letter_row("shop_us/2013-01-10/sync", "resolved")],
        "ui/published": [published_row(as_of='{"shop_eu": "2013-01-14", "shop_us": "2013-01-13", "shop_br": null}')],
        "ui/steps": [
            try_row("find_dump", 0, 10),
            try_row("sync", 10, 100),
            *(try_row("transform", 100, 130 + number, task_id=f"transform.m{number}") for number in range(3)),
            try_row("sync", 10, 30, day=days_before(1)),
        ],
        "ui/stages": [
            {"stage": stage, "table_name": "orders", "row_count": 900} for stage in ("dump", "raw", "quarantine")
        ],
        "ui/checks": [check_row("orders.total", "failed"), check_row("orders.id", "passed")],
        "ui/dumps": [
            {
                "dump_date": TODAY, "dump_uri": "gs://dumps/shop_eu/2013-01-14/x.sql.gz", "accepted": True,
                "compression": "gzip", "stored_bytes": 12_345_678, "table_count": 7, "row_count": 1000,
                "recorded_at": days_before_at(0),
            }
        ],
        "ops/schema_changes_now": [
            change_row("total", "other type", "decimal(10,2)", HOSTILE, outcome="converted", mode="evolve"),
            change_row("stock", "added column", "", "int", outcome="left out"),
        ],
        "ui/changed_values": [
            {"table_name": "orders", "column_name": "paid_on", "change": "NULLED", "reason": "a reason",
             "value_count": 1234}
        ],
        "ui/history": [run_row("shop_eu", day, rows=1000 + number) for number, day in enumerate(reversed(days))],
    }  # fmt: skip
    world.letters.record(make_letter())
    return world


def change_row(column: str, change: str, contract: str, dump: str, outcome: str, mode: str = "") -> dict[str, Any]:
    return {
        "database": "shop_eu", "dump_date": TODAY, "run_id": "run", "table_name": "orders", "column_name": column,
        "change": change, "contract": contract, "dump": dump, "mode": mode, "outcome": outcome, "why": "a reason",
        "first_day": days_before(3), "since": days_before_at(3),
    }  # fmt: skip


def check_row(rule: str, status: str) -> dict[str, Any]:
    return {
        "layer": "raw", "table_name": "orders", "column_name": "total", "rule": rule, "status": status,
        "unexpected_count": 3, "element_count": 900, "message": None, "checked_at": days_before_at(0),
    }  # fmt: skip


def days_before_at(number: int) -> Any:
    return run_row("x", days_before(number))["recorded_at"]


class Outline(HTMLParser):
    """As much of a page as these tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_pipeline_tells_where_every_database_stands(full: World):
    html = full.client().get("/tributary/").text
    rows = {
        name: text_of(row)
        for name, row in re.findall(r'<tr>\s*<th scope="row" class="pin"><a[^>]*>(\w+)(.*?)</tr>', html, re.S)
    }
    assert set(rows) == {"shop_eu", "shop_us", "airport_jfk"}
    assert "fresh" in rows["shop_eu"]
    assert "1,000" in rows["shop_eu"]
    assert "99.0 %" in rows["shop_eu"]
    assert "1 min 40 s" in rows["shop_eu"]
    assert "usual 1 min 47 s" in rows["shop_eu"]
    assert "late" in rows["shop_us"]
    assert "4 h over" in rows["shop_us"]
    assert "never landed" in rows["airport_jfk"]
    assert 'aria-label="1 landed late' not in html
    assert "landed late 2013-01-13" in html
    assert "2 stale" in html


def test_the_whole_pipeline_costs_six_queries_whatever_there_is(full: World):
    full.client().get("/tributary/")
    full.client().get("/tributary/?text=shop")
    full.client().get("/tributary/dead-letters")
    assert len(full.warehouse.asked) == 6


def test_filter_and_order_are_the_server_s(full: World):
    client = full.client()

    def names(query: str) -> list[str]:
        return re.findall(
            r'class="pin"><a href="/tributary/databases/\w+">(\w+)', client.get(f"/tributary/?{query}").text
        )

    assert names("") == ["shop_us", "airport_jfk", "shop_eu"], "the worst first"
    assert names("sort=-name") == ["shop_us", "shop_eu", "airport_jfk"]
    assert names("text=SHOP&sort=name") == ["shop_eu", "shop_us"]
    assert names("app=flights") == ["airport_jfk"]
    assert names("state=fresh") == ["shop_eu"]
    assert names("size=1&sort=name&page=2") == ["shop_eu"]
    assert names("sort=nonsense&page=99&size=0")
    assert client.get("/tributary/?page=x").status_code == 400


def test_the_page_of_a_database_tells_its_run_step_by_step(full: World):
    text = text_of(full.client().get("/tributary/databases/shop_eu").text)
    assert "find_dump" in text
    assert "slow" in text
    assert "3 tasks" in text
    assert "quarantine" in text
    assert "900" in text
    assert text.index("orders.total") < text.index("orders.id"), "what failed stands first"
    assert "12.3 MB" in text
    assert "dbt docs" in text
    assert ("ui/stages", {"database": "shop_eu", "day": "2013-01-14"}) in full.warehouse.asked
    full.client().get("/tributary/databases/shop_eu?day=2013-01-03")
    assert ("ui/stages", {"database": "shop_eu", "day": "2013-01-03"}) in full.warehouse.asked


def test_the_page_of_a_database_tells_what_differs_from_its_contract_and_was_changed(full: World):
    html = full.client().get("/tributary/databases/shop_eu").text
    text = text_of(html)
    assert "tributary contract accept shop_eu" in text
    assert "<del>decimal(10,2)</del>" in html
    assert "converted a reason (evolve)" in re.sub(r"\s+", " ", text)
    assert "paid_on" in text
    assert "1,234" in text
    full.warehouse.answers |= {"ops/schema_changes_now": [], "ui/changed_values": []}
    text = text_of(full.client().get("/tributary/databases/shop_eu").text)
    assert "The newest dump has the tables of the contract" in text
    assert "Every value arrived as it is in MySQL" in text


def test_only_databases_and_days_that_there_are(full: World):
    client = full.client()
    assert client.get("/tributary/databases/nothing").status_code == 404
    answer = client.get("/tributary/databases/shop_eu?day=31.1.2013")
    assert (answer.status_code, "expected a day such as 2013-01-31" in answer.text) == (400, True)


def test_links_to_airflow_name_run_and_task(full: World):
    html = full.client().get("/tributary/databases/shop_eu").text
    run = "scheduled__2013-01-14T02%3A00%3A00%2B00%3A00"
    assert f'href="/dags/elt__shop_eu/runs/{run}"' in html
    assert f'href="/dags/elt__shop_eu/runs/{run}/tasks/sync?try_number=1"' in html
    assert 'href="/cosmos/tributary/dbt_docs_index.html"' in html


def test_when_bigquery_is_away_the_pages_say_so_and_show_what_they_have(full: World):
    client = full.client()
    client.get("/tributary/")
    full.warehouse.away = True
    full.facts._read_at -= 10  # older than what is read at once
    assert client.get("/tributary/refresh?back=/?text=shop").headers["location"] == "/tributary/?text=shop"
    html = client.get("/tributary/").text
    assert "BigQuery could not be read (ServiceUnavailable)" in html
    assert "a word that nobody should see" not in html
    assert "99.0 %" in html
    database = client.get("/tributary/databases/shop_eu")
    assert (database.status_code, "BigQuery could not be read" in database.text) == (200, True)


def test_when_nothing_was_ever_read_the_pages_come_all_the_same(world: World):
    world.warehouse.away = world.bucket.away = True
    for path in ("/", "/consolidated", "/dead-letters", "/databases/shop_eu"):
        answer = world.client().get(f"/tributary{path}")
        assert answer.status_code == 200
        assert "BigQuery could not be read" in answer.text
        assert "The bucket of the dead letters could not be read" in answer.text


@pytest.mark.parametrize("back", ["//evil.test", "/\\evil.test", "https://evil.test", ""])
def test_refresh_leads_back_to_a_page_of_ours_only(full: World, back: str):
    answer = full.client().get("/tributary/refresh", params={"back": back})
    assert answer.headers["location"] == "/tributary/"


def test_nothing_that_somebody_wrote_becomes_markup(full: World):
    full.registry = with_broken(full.registry, HOSTILE, HOSTILE)
    full.letters.record(
        make_letter(reason=HOSTILE, message=HOSTILE, advice=HOSTILE, dump_uri=HOSTILE, run_id=HOSTILE, cause=HOSTILE)
    )
    answers = full.warehouse.answers
    answers["ui/dead_letters"] = [letter_row("shop_eu/2013-01-10/sync", reason=HOSTILE, message=HOSTILE)]
    answers["ui/published"] = [
        published_row(why=HOSTILE, published_by=HOSTILE, tables=f'{{"{"<b>"}": 1}}', run_id=HOSTILE)
    ]
    answers["ui/steps"] = [try_row(HOSTILE, 0, 10, run_id=HOSTILE, task_id=HOSTILE)]
    answers["ui/stages"] = [{"stage": "dump", "table_name": HOSTILE, "row_count": 1}]
    answers["ui/checks"] = [{**check_row(HOSTILE, "failed"), "table_name": HOSTILE, "column_name": HOSTILE}]
    answers["ui/dumps"] = [{**answers["ui/dumps"][0], "dump_uri": HOSTILE}]
    answers["ops/newest_hold"] = [{"state": "held", "why": HOSTILE, "set_by": HOSTILE}]
    client = full.client(HOSTILE)
    letter = PAGES[-1]
    for path in (
        *PAGES,
        f"{letter}/replay",
        f"{letter}/resolve",
        f"/?text={HOSTILE}",
        f"/dead-letters?text={HOSTILE}",
        f"/nothing/{HOSTILE}",
    ):
        html = client.get(f"/tributary{path}").text
        outline = Outline(html)
        assert outline.of("img") == [], path
        assert [script.get("src") is not None for script in outline.of("script")] == [True], path
        assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")], path
        assert HOSTILE not in html, path


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_used_without_seeing_it(full: World, path: str):
    html = full.client().get(f"/tributary{path}").text
    outline = Outline(html)
    assert outline.of("html") == [{"lang": "en"}]
    assert len(re.findall(r"<h1>", html)) == 1
    assert re.search(r"<title>[^<]+ · Tributary</title>", html)
    assert all("scope" in th for th in outline.of("th"))
    assert html.count("<table") == html.count("<caption")
    labelled = {label["for"] for label in outline.of("label") if "for" in label}
    for field in outline.of("input", "select", "textarea"):
        if field.get("type") != "hidden":
            assert field.get("id") in labelled or re.search(rf'<label>[^<]*<\w+[^>]*name="{field["name"]}"', html)
    assert all(strip.get("aria-label") for strip in outline.of("span") if strip.get("class") == "strip")
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    # Blocked by the page's own policy, so it must not be there.
    assert not [tag for tag, attributes in outline.tags if "style" in attributes]
    assert outline.of("style") == []


def test_who_may_read_no_dag_sees_none(full: World, monkeypatch: pytest.MonkeyPatch):
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    def only_shop_us(self: Any, *, details: Any = None, **_: Any) -> bool:
        return details is not None and details.id == "elt__shop_us"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", only_shop_us)
    client = full.client()
    html = client.get("/tributary/").text
    assert "shop_us" in html
    assert "shop_eu" not in html
    assert "airport" not in html
    assert "stale" not in html.split("<main")[1].split("<form")[0]
    assert client.get("/tributary/databases/shop_eu").status_code == 404
    assert client.get("/tributary/consolidated").status_code == 404
    assert client.get("/tributary/dead-letters/shop_eu/2013-01-02/sync").status_code == 404
    letters = client.get("/tributary/dead-letters?status=all").text
    assert "shop_us/2013-01-10/sync" in letters
    assert "shop_eu" not in letters
