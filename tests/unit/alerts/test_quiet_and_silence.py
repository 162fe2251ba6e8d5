from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.alerts.alert_world import T0, World, finding, text_of
from tributary.alerts.finding import Severity

# T0 is 03:00 UTC: an hour before the end of this night.
NIGHT = {"from": "22:00", "to": "04:00", "time_zone": "UTC"}


def silence(minutes: float, databases: Any = ("shop_eu",)) -> dict[str, Any]:
    return {"databases": databases, "until": (T0 + timedelta(minutes=minutes)).isoformat(), "reason": "server moves"}


def test_a_page_is_told_in_quiet_hours_with_its_owners_mention() -> None:
    world = World(quiet_hours=NIGHT, owners={"data-platform": {"mention": "<@U01>"}})
    world.round(finding())
    assert "<@U01>" in world.only.all_text


@pytest.mark.parametrize(("severity", "mentioned"), [(Severity.ticket, True), (Severity.note, False)])
def test_a_ticket_and_a_note_wait_for_the_morning(severity: Severity, mentioned: bool) -> None:
    world = World(quiet_hours=NIGHT, owners={"data-platform": {"mention": "<@U01>"}})
    world.rounds(finding(severity=severity), minutes=59)
    assert world.threads == []
    world.round(finding(severity=severity))
    assert ("<@U01>" in world.only.all_text) is mentioned


def test_what_heals_in_quiet_hours_is_not_told() -> None:
    world = World(quiet_hours=NIGHT)
    world.rounds(finding(severity=Severity.ticket), minutes=30)
    world.rounds(minutes=120)
    assert world.threads == []
    assert world.rows == []


def test_what_becomes_a_page_in_quiet_hours_is_told_at_once() -> None:
    world = World(quiet_hours=NIGHT)
    world.round(finding(severity=Severity.ticket))
    world.round(finding(severity=Severity.page))
    assert "*page*" in world.only.all_text
    assert world.only.replies == []


def test_a_ticket_that_was_told_is_edited_in_quiet_hours_and_replied_to_after_them() -> None:
    world = World(quiet_hours={"from": "03:30", "to": "06:00"})
    ticket = finding(severity=Severity.ticket)
    world.rounds(ticket, minutes=29)
    world.rounds(minutes=120)
    assert "Recovered" in world.only.all_text
    assert world.only.replies == []
    world.rounds(minutes=60)
    assert len(world.only.replies) == 1


def test_a_reply_that_slack_missed_waits_for_the_end_of_quiet_hours_too() -> None:
    world = World(quiet_hours={"from": "03:30", "to": "06:00"})
    both = finding(severity=Severity.ticket), finding("shop_us", at=10, severity=Severity.ticket)
    world.rounds(both[0], minutes=10)
    world.slack.away = True
    world.rounds(*both, minutes=30)
    world.slack.away = False
    world.rounds(*both, minutes=30)
    assert world.only.replies == []
    world.rounds(*both, minutes=120)
    assert [text_of(one) for one in world.only.replies] == ["1 more: shop_us."]


def test_a_silenced_database_is_recorded_once_and_not_told() -> None:
    world = World(silences=[silence(60)])
    world.rounds(finding(), minutes=50)
    assert world.threads == []
    assert world.events() == ["silenced"]


def test_what_is_broken_at_the_end_of_a_silence_is_told_then() -> None:
    world = World(silences=[silence(60)])
    world.rounds(finding(), minutes=61)
    assert "*page*" in world.only.all_text


def test_what_heals_under_a_silence_is_never_told() -> None:
    world = World(silences=[silence(60)])
    world.rounds(finding(), minutes=30)
    world.rounds(minutes=60)
    assert world.threads == []


def test_a_silence_of_one_database_leaves_the_others_told() -> None:
    world = World(silences=[silence(60)])
    both = finding("shop_eu"), finding("shop_us")
    world.rounds(*both, minutes=30)
    assert "shop_eu" not in world.only.all_text
    world.rounds(*both, minutes=60)
    assert "2 databases" in world.only.all_text
    assert ["1 more: shop_eu." in text_of(one) for one in world.only.replies] == [True]


def test_a_silence_of_all_covers_everything() -> None:
    world = World(silences=[silence(60, "all")])
    world.rounds(finding("consolidate"), minutes=30)
    assert world.threads == []


def test_a_recovery_under_a_later_silence_is_replied_after_it() -> None:
    world = World()
    world.round(finding())
    world.policy = World(silences=[silence(60)]).policy
    world.rounds(minutes=30)
    assert world.only.replies == []
    world.rounds(minutes=60)
    assert [text_of(one)[:11] for one in world.only.replies] == ["✅ Recovered"]


def test_a_silenced_database_does_not_keep_others_from_recovering() -> None:
    world = World(silences=[silence(600)])
    world.round(finding("shop_eu"), finding("shop_us"))
    world.rounds(finding("shop_eu"), minutes=30)
    assert world.events("recovered") == ["recovered"]
    assert len(world.threads) == 1
