"""Slack that is away, and processes that die between its answer and the next write."""

from __future__ import annotations

import pytest

from tests.unit.alerts.alert_world import MemorySlack, World, finding, text_of
from tributary.alerts.deliveries import Action, Delivery, Sent
from tributary.alerts.finding import Severity
from tributary.alerts.incidents import Incidents
from tributary.alerts.slack_errors import refusal
from tributary.alerts.store import WrittenElsewhereError


def test_what_slack_missed_is_told_when_it_is_back() -> None:
    world = World()
    world.slack.away = True
    world.rounds(finding("shop_eu"), minutes=20)
    world.rounds(finding("shop_eu"), finding("shop_us", at=20), minutes=20)
    world.slack.away = False
    world.rounds(finding("shop_eu"), finding("shop_us", at=20), minutes=20)
    assert "2 databases" in world.only.all_text
    assert world.only.replies == []


def test_a_page_that_healed_before_slack_came_back_is_one_message() -> None:
    world = World()
    world.slack.away = True
    world.rounds(finding(), minutes=60)
    world.rounds(minutes=60)
    world.slack.away = False
    world.rounds(minutes=60)
    assert "Was broken from" in world.only.all_text
    assert "for 1 h 1 min; it is well now" in world.only.all_text
    assert (world.only.edits, world.only.replies) == (0, [])
    assert world.events() == ["posted", "recovered"]


def test_a_page_that_has_just_gone_waits_until_that_is_sure() -> None:
    world = World()
    world.slack.away = True
    world.rounds(finding(), minutes=60)
    world.slack.away = False
    world.rounds(minutes=5)
    assert world.threads == []
    world.round(finding())
    assert "*Since*" in world.only.all_text


def test_a_ticket_that_healed_before_slack_came_back_is_not_told() -> None:
    world = World()
    world.slack.away = True
    world.rounds(finding(severity=Severity.ticket), minutes=60)
    world.rounds(minutes=60)
    world.slack.away = False
    world.rounds(minutes=60)
    assert world.threads == []
    assert world.slack.by_id == {}


@pytest.mark.parametrize("severity", list(Severity))
def test_a_recovery_that_slack_missed_is_told_once(severity: Severity) -> None:
    world = World()
    world.round(finding(severity=severity))
    world.slack.away = True
    world.rounds(minutes=60)
    world.slack.away = False
    world.rounds(minutes=60)
    assert len(world.only.replies) == 1
    assert world.only.edits == 1


def test_a_post_whose_answer_was_lost_is_not_posted_again() -> None:
    world = World()
    world.slack.loses = {Action.post}
    world.round(finding())
    world.slack.loses = ()
    world.rounds(finding(), minutes=30)
    assert len(world.threads) == 1
    assert world.events("posted") == ["posted"]


@pytest.mark.parametrize("severity", list(Severity))
def test_a_post_whose_answer_was_lost_recovers_in_its_thread(severity: Severity) -> None:
    world = World()
    world.slack.loses = {Action.post}
    world.round(finding(severity=severity))
    world.slack.away, world.slack.loses = True, ()
    world.rounds(minutes=30)
    world.slack.away = False
    world.rounds(minutes=30)
    assert "Recovered after" in world.only.all_text
    assert len(world.only.replies) == 1
    assert world.events("recovered") == ["recovered"]


def test_a_reply_whose_answer_was_lost_is_not_sent_again() -> None:
    world = World()
    world.round(finding())
    world.slack.loses = {Action.reply}
    world.rounds(minutes=15)
    assert len(world.only.replies) == 1
    world.slack.loses = ()
    world.rounds(minutes=30)
    assert len(world.only.replies) == 1


def test_what_the_thread_was_to_hear_before_the_recovery_is_not_told_any_more() -> None:
    world = World()
    world.rounds(finding("shop_eu"), minutes=11)
    world.slack.away = True
    world.rounds(finding("shop_eu"), finding("shop_us", at=11), minutes=15)
    assert Incidents.model_validate_json(world.store.text).told[0].replies
    world.rounds(minutes=30)
    world.slack.away = False
    world.rounds(minutes=30)
    assert [text_of(one)[:11] for one in world.only.replies] == ["✅ Recovered"]


class Died(BaseException):
    """The process is gone."""


def test_a_process_that_dies_after_slacks_answer_does_not_post_twice() -> None:
    world = World()
    deliver = world.slack.deliver

    def deliver_and_die(delivery: Delivery) -> Sent | None:
        deliver(delivery)
        raise Died

    world.slack.deliver = deliver_and_die  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.round(finding())
    world.slack.deliver = deliver  # type: ignore[method-assign]
    world.rounds(finding(), minutes=30)
    assert len(world.threads) == 1


def test_a_process_that_dies_before_it_posts_has_left_its_intention() -> None:
    world = World()

    def die(delivery: Delivery) -> Sent | None:
        raise Died

    deliver, world.slack.deliver = world.slack.deliver, die  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.round(finding())
    assert Incidents.model_validate_json(world.store.text).told[0].attempted
    world.slack.deliver = deliver  # type: ignore[method-assign]
    world.round(finding())
    assert len(world.threads) == 1


def test_a_channel_that_slack_refuses_does_not_keep_others_from_theirs(caplog: pytest.LogCaptureFixture) -> None:
    world = World(owners={"shops": {"channel": "#gone"}})

    class Refusing(MemorySlack):
        def deliver(self, delivery: Delivery) -> Sent | None:
            if delivery.told.channel == "#gone":
                raise refusal("channel_not_found", "#gone")
            return super().deliver(delivery)

    world.slack = Refusing()
    both = finding("shop_eu", owner="shops"), finding("airport_ewr", at=1)
    world.rounds(*both, minutes=30)
    assert world.only.channel == "#data-alerts"
    assert sum("channel_not_found" in record.message for record in caplog.records) == 1
    world.slack, before = MemorySlack(), world.slack
    world.slack.threads, world.slack.by_id = before.threads, before.by_id
    world.round(*both)
    assert [one.channel for one in world.threads] == ["#data-alerts", "#gone"]


def test_an_invalid_token_ends_the_round_and_keeps_all() -> None:
    world = World(owners={"shops": {"channel": "#shops"}})
    asked = []

    class Refusing(MemorySlack):
        def deliver(self, delivery: Delivery) -> Sent | None:
            asked.append(delivery.id)
            raise refusal("invalid_auth", delivery.told.channel)

    world.slack = Refusing()
    world.round(finding("shop_eu", owner="shops"), finding("airport_ewr"))
    assert len(asked) == 1
    world.slack = MemorySlack()
    world.round(finding("shop_eu", owner="shops"), finding("airport_ewr"))
    assert len(world.threads) == 2


def test_rows_wait_while_bigquery_is_away() -> None:
    world = World()
    record = world.record

    def away(rows: object) -> None:
        raise OSError("away")

    world.record = away
    world.round(finding())
    assert world.rows == []
    world.record = record
    world.rounds(finding(), minutes=5)
    assert world.events() == ["posted"]


def test_a_second_watch_that_has_written_meanwhile_leaves_the_telling_to_it() -> None:
    world = World()

    def elsewhere(incidents: Incidents, generation: int) -> int:
        raise WrittenElsewhereError("written")

    save, world.store.save = world.store.save, elsewhere  # type: ignore[method-assign]
    world.round(finding())
    assert world.threads == []
    world.store.save = save  # type: ignore[method-assign]
    world.round(finding())
    assert text_of(world.only.message)
