from __future__ import annotations

import json
import random
import string
from datetime import date, timedelta

import pytest

from tests.unit.alerts.alert_world import T0, World, finding, text_of
from tributary.alerts.finding import Kind
from tributary.alerts.messages import BLOCKS, HEADER, SECTION, Message, escape, link, worded


def message(*findings: object, docs_url: str = "") -> Message:
    """What is posted about these findings."""
    world = World(owners={"data-platform": {"mention": "<@U01>"}})
    world.slack.away = True
    incidents = world.round(*findings)  # type: ignore[arg-type]
    [delivery] = incidents.outbox()
    return worded(delivery, docs_url)


WHOLE = finding(
    detail=("waits for Airbyte since 03:00", "usual: 12 min"),
    readers="rows of 2013-01-01, stale",
    command="tributary dead-letters replay shop_eu/2013-01-02/sync",
    url="https://airflow.example.com/dags/elt__shop_eu?a=1&b=2",
)


def test_a_message_says_all_that_somebody_on_call_needs() -> None:
    words = text_of(message(WHOLE, docs_url="https://git.example.com/blob/main/"))
    for expected in (
        "🚨 shop_eu: sync failed: Airbyte does not answer",
        "<!date^1357095600^{date_short_pretty} {time}|2013-01-02 03:00 UTC>",
        "*page*",
        "cause `airbyte/unavailable`",
        "<@U01>",
        "• waits for Airbyte since 03:00\n• usual: 12 min",
        "*Step*\n`sync`",
        "*Day*\n2013-01-02",
        "*Readers see*\nrows of 2013-01-01, stale",
        "```tributary dead-letters replay shop_eu/2013-01-02/sync```",
        "<https://git.example.com/blob/main/docs/runbooks/failed-sync.md|Runbook>",
        "<https://airflow.example.com/dags/elt__shop_eu?a=1&amp;b=2|Log>",
        "owner: data-platform",
    ):
        assert expected in words


def test_its_one_line_is_for_notifications() -> None:
    assert message(WHOLE).text == (
        "🚨 shop_eu: sync failed: Airbyte does not answer, since 2013-01-02 03:00 UTC <@U01>"
    )


def test_without_an_address_for_docs_the_runbooks_path_is_shown() -> None:
    assert "Runbook: `docs/runbooks/failed-sync.md`" in text_of(message(WHOLE))


def test_nothing_in_a_finding_becomes_a_link_or_a_mention() -> None:
    nasty = "<!channel> & <https://evil.example|click> `code` *bold*"
    shown = message(finding(headline=nasty, detail=(nasty,), readers=nasty, cause=nasty, command=nasty))
    # A header is plain text, of which Slack makes nothing.
    for part in [shown.text, *(part["text"] for block in shown.blocks[1:] for part in _mrkdwn(block))]:
        assert "<!channel>" not in part
        assert "<https://evil" not in part
    assert escape("a < b & c > d") == "a &lt; b &amp; c &gt; d"
    assert link("https://x/a|b> c", "d|e>") == "<https://x/a%7Cb%3E%20c|d/e&gt;>"


def test_many_databases_are_linked_counted_and_cut_to_ten() -> None:
    broken = [
        finding(f"shop_{number:03}", number / 100, url=f"https://a.example/{number}", command=f"replay {number}")
        for number in range(1000)
    ]
    words = text_of(message(*broken))
    assert "1000 databases: sync failed" in words
    assert "<https://a.example/9|shop_009> and 990 more" in words
    assert "replay 2```" in words
    assert "and 997 more: `tributary dead-letters list` has them" in words


def test_several_days_are_told_apart() -> None:
    both = message(finding(), finding("shop_us", day=date(2013, 1, 3)))
    assert "shop_eu (2013-01-02), shop_us (2013-01-03)" in text_of(both)


def test_files_of_dags_are_no_databases() -> None:
    common = {"kind": Kind.dag_import, "step": None, "cause": "dag_import", "headline": "does not import"}
    both = message(finding("dags.elt", **common), finding("dags.consolidate", **common))
    assert "2 DAG files: does not import" in both.text


@pytest.mark.parametrize("seed", range(20))
def test_no_message_exceeds_slacks_limits(seed: int) -> None:
    random.seed(seed)

    def words(most: int) -> str:
        return "".join(random.choices(string.printable + "<>&`*_~|é🚨", k=random.randrange(1, most)))

    broken = [
        finding(
            f"db_{number}",
            number / 50,
            headline=words(2000),
            detail=tuple(words(1000) for _ in range(random.randrange(12))),
            readers=words(5000),
            command=words(4000),
            url="https://example.com/" + words(800).replace("\n", ""),
            owner=words(200),
        )
        for number in range(random.choice([1, 2, 25]))
    ]
    shown = message(*broken)
    assert len(shown.blocks) <= BLOCKS
    assert len(shown.text) <= 40_000
    for block in shown.blocks:
        for part in _mrkdwn(block):
            assert 0 < len(part["text"]) <= (HEADER if block["type"] == "header" else SECTION)
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
    json.dumps(shown.blocks)


def test_a_recovered_message_says_only_what_is_left_to_know() -> None:
    world = World()
    world.round(WHOLE)
    world.rounds(minutes=20)
    words = world.only.all_text
    assert "✅ shop_eu" in words
    assert "Recovered after 2 min" in words
    assert "Once the cause is gone" not in words
    assert "Runbook" in words
    assert world.now - T0 == timedelta(minutes=21)


def _mrkdwn(block: dict) -> list[dict]:  # type: ignore[type-arg]
    return [part for part in (block.get("text"), *block.get("fields", []), *block.get("elements", [])) if part]
