from __future__ import annotations

from datetime import date, timedelta

from tests.unit.alerts.alert_world import T0, World, finding, text_of
from tributary.alerts.finding import Kind, Severity


def test_what_is_found_again_and_again_is_told_once() -> None:
    world = World()
    world.rounds(finding(), minutes=60)
    assert world.only.edits == 0
    assert world.only.replies == []
    assert world.events() == ["posted"]


def test_nothing_wrong_tells_nothing() -> None:
    world = World()
    world.rounds(minutes=30)
    assert world.threads == []
    assert world.store.generation == 0  # and writes nothing


def test_databases_with_one_cause_are_one_message_that_counts_them() -> None:
    world = World()
    broken = [finding(f"shop_{number:02}", at=number) for number in range(12)]
    for number in range(1, 13):
        world.round(*broken[:number])
    assert "12 databases: sync failed" in world.only.all_text
    assert "shop_09 and 2 more" in world.only.all_text
    assert "shop_10" not in world.only.all_text


def test_of_more_databases_the_thread_hears_at_most_every_ten_minutes() -> None:
    world = World()
    broken = [finding(f"shop_{number:02}", at=number) for number in range(20)]
    for number in range(1, 21):
        world.round(*broken[:number])
    world.rounds(*broken, minutes=30)
    assert len(world.only.replies) == 2
    assert "10 more: " in text_of(world.only.replies[0])
    assert "9 more: " in text_of(world.only.replies[1])


def test_the_same_cause_half_an_hour_later_is_another_incident() -> None:
    world = World()
    world.round(finding("shop_eu"))
    world.round(finding("shop_eu"), finding("shop_us", at=30))
    assert len(world.threads) == 1
    world.round(finding("shop_eu"), finding("shop_us", at=30), finding("shop_br", at=61))
    assert len(world.threads) == 2


def test_another_cause_is_another_message() -> None:
    world = World()
    world.round(finding("shop_eu"), finding("shop_us", cause="dump/bad_input"))
    assert len(world.threads) == 2


def test_owners_with_other_channels_are_told_there() -> None:
    world = World(owners={"shops": {"channel": "#shops", "mention": "<!subteam^S01>"}})
    world.round(finding("shop_eu", owner="shops"), finding("airport_ewr"))
    assert [(one.channel, "<!subteam^S01>" in one.all_text) for one in world.threads] == [
        ("#data-alerts", False),
        ("#shops", True),
    ]


def test_a_recovery_is_told_once_with_how_long_it_took() -> None:
    world = World()
    world.rounds(finding(), minutes=120)
    world.rounds(minutes=60)
    assert [text_of(reply) for reply in world.only.replies] == ["✅ Recovered after 2 h 1 min: shop_eu."]
    assert "Recovered after 2 h 1 min" in world.only.all_text
    assert world.only.edits == 1
    assert world.events("recovered") == ["recovered"]


def test_what_comes_back_within_ten_minutes_neither_recovers_nor_opens_again() -> None:
    world = World()
    for _ in range(10):
        world.round(finding())
        world.rounds(minutes=9)
    assert world.only.edits == 0
    assert world.only.replies == []


def test_what_comes_back_after_its_recovery_is_a_new_message() -> None:
    world = World()
    world.round(finding())
    world.rounds(minutes=20)
    world.round(finding())
    assert len(world.threads) == 2
    assert world.threads[0].delivery_id != world.threads[1].delivery_id


def test_some_of_many_that_are_well_again_are_struck_out_without_a_reply() -> None:
    world = World()
    eu, us = finding("shop_eu"), finding("shop_us")
    world.round(eu, us)
    world.rounds(eu, minutes=15)
    assert "1 of 2 are well again" in world.only.all_text
    assert "~shop_us~" in world.only.all_text
    assert world.only.replies == []
    world.rounds(eu, us, minutes=15)
    assert ["Broken again: shop_us." in text_of(one) for one in world.only.replies] == [True]
    world.rounds(minutes=20)
    assert len(world.only.replies) == 2
    assert world.events("recovered") == ["recovered"]


def test_late_data_whose_run_then_fails_stays_one_message() -> None:
    world = World()
    late = finding(kind=Kind.late, step=None, cause="waits for find_dump", headline="3 h late")
    failed = finding(step="find_dump", cause="dump/waited_too_long", at=60, headline="find_dump failed")
    world.rounds(late, minutes=60)
    world.rounds(failed, minutes=30)
    assert "find_dump failed" in world.only.all_text
    assert ["shop_eu: find_dump failed" in text_of(one) for one in world.only.replies] == [True]


def test_a_failure_that_leaves_data_stale_stays_one_message() -> None:
    world = World()
    stale = finding(kind=Kind.stale, step=None, cause="stale", at=200, headline="data is 27 h old")
    world.rounds(finding(), minutes=60)
    world.rounds(finding(), stale, minutes=60)
    assert world.only.message.blocks[0]["text"]["text"].endswith("shop_eu: sync failed: Airbyte does not answer")
    assert "data is 27 h old" in world.only.all_text
    world.rounds(minutes=20)
    assert world.events("recovered") == ["recovered"]


def test_data_that_is_stale_for_a_second_day_stays_one_message() -> None:
    world = World()
    stale = finding(kind=Kind.stale, step=None, cause="stale")
    world.rounds(stale, minutes=60)
    next_day = stale.model_copy(update={"day": date(2013, 1, 3), "since": T0 + timedelta(days=1)})
    world.rounds(next_day, minutes=60)
    assert world.events("recovered") == []
    assert "2013-01-03" in world.only.all_text


def test_a_late_run_that_comes_to_its_next_step_is_edited_alone() -> None:
    world = World()
    world.rounds(finding(kind=Kind.late, step=None, headline="late: find_dump waits"), minutes=30)
    world.rounds(finding(kind=Kind.late, step=None, headline="late: sync is at work"), minutes=30)
    assert "late: sync is at work" in world.only.all_text
    assert (world.only.edits, world.only.replies) == (1, [])
    world.rounds(minutes=30)
    assert "was late" in world.only.all_text
    assert "sync is at work" not in world.only.all_text


def test_what_is_still_broken_is_told_again_once_a_day() -> None:
    world = World()
    world.rounds(finding(), minutes=3 * 24 * 60 + 60, step=30)
    words = [text_of(one) for one in world.only.replies]
    assert len(words) == 3
    assert words[0].startswith("Still broken after 1 d")
    assert words[2].startswith("Still broken after 3 d")


def test_a_replay_and_its_failure_are_told_in_the_thread() -> None:
    world = World()
    world.rounds(finding(), minutes=15)
    world.rounds(finding(replaying=True), minutes=15)
    assert "being run again" in world.only.all_text
    world.rounds(finding(), minutes=15)
    words = [text_of(one) for one in world.only.replies]
    assert words == ["Is being run again: shop_eu.", "Was run again and has failed again: shop_eu."]


def test_what_becomes_a_page_calls_its_owner_at_once() -> None:
    world = World(owners={"data-platform": {"mention": "<@U01>"}})
    world.round(finding(severity=Severity.note))
    assert "<@U01>" not in world.only.all_text
    world.round(finding(severity=Severity.page))
    assert ["It is a *page* now. <@U01>" in text_of(one) for one in world.only.replies] == [True]
    world.round(finding(severity=Severity.ticket))
    assert len(world.only.replies) == 1


def test_kinds_that_could_not_be_looked_for_do_not_recover() -> None:
    world = World()
    stale = finding(kind=Kind.stale, step=None)
    world.round(stale)
    for _ in range(30):
        world.round(blind={Kind.stale})
    assert world.only.edits == 0
    world.rounds(minutes=20)
    assert world.events("recovered") == ["recovered"]


def test_closed_incidents_are_forgotten_after_two_weeks() -> None:
    world = World()
    world.round(finding())
    world.rounds(minutes=20)
    assert len(world.round(minutes=13 * 24 * 60).told) == 1
    assert len(world.round(minutes=2 * 24 * 60).told) == 0


def test_rows_say_what_was_told() -> None:
    world = World()
    world.round(finding("shop_eu"), finding("shop_us"))
    row = world.rows[0]
    assert row.pop("alert_id").startswith("failed-20130102-0300-")
    assert row == {
        "kind": "failed", "cause": "airbyte/unavailable", "severity": "page", "owner": "data-platform",
        "channel": "#data-alerts", "subjects": "shop_eu,shop_us", "database_count": 2, "event": "posted",
        "headline": "sync failed: Airbyte does not answer", "runbook": "docs/runbooks/failed-sync.md",
        "sent_at": "2013-01-02T03:01:00Z",
    }  # fmt: skip
