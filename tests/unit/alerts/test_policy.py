from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import yaml
from pydantic import ValidationError

from tributary.alerts.policy import AlertPolicy, QuietHours

ALL = """
channel: "#data-alerts"
owners:
  shops: {channel: "#shops", mention: "<!subteam^S0123456>"}
  flights: {mention: "<@U0123456>"}
quiet_hours: {from: "20:00", to: "07:00", time_zone: Europe/Berlin}
silences:
  - {databases: [shop_eu, consolidate], until: 2026-11-21T06:00:00Z, reason: "the server moves"}
  - {databases: all, until: 2026-11-20T06:00:00Z, reason: "everything moves"}
repeat_after: 12h
recovered_after: 5m
"""


def policy(text: str) -> AlertPolicy:
    return AlertPolicy.model_validate(yaml.safe_load(text) or {})


def at(hour: int, minute: int = 0, day: int = 19) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_every_setting_is_read_from_yaml() -> None:
    read = policy(ALL)
    assert read.channel_of("shops") == "#shops"
    assert read.channel_of("flights") == read.channel_of("nobody") == "#data-alerts"
    assert read.mentions_of(["shops", "flights", "shops", "nobody"]) == ("<!subteam^S0123456>", "<@U0123456>")
    assert (read.repeat_after, read.recovered_after) == (timedelta(hours=12), timedelta(minutes=5))


def test_nothing_set_is_one_channel_a_day_and_no_quiet_hours() -> None:
    read = policy("")
    assert (read.channel, read.repeat_after, read.is_quiet(at(3))) == ("#data-alerts", timedelta(days=1), False)


def test_an_hour_without_quotes_which_yaml_reads_as_minutes_is_the_same_hour() -> None:
    read = policy("quiet_hours: {from: 20:30, to: 07:00}").quiet_hours
    assert read is not None
    assert (read.from_, read.to) == (time(20, 30), time(7))


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"), [(18, 59, False), (19, 0, True), (23, 0, True), (5, 59, True), (6, 0, False)]
)
def test_quiet_hours_go_over_midnight_in_their_own_time_zone(hour: int, minute: int, quiet: bool) -> None:
    assert policy(ALL).is_quiet(at(hour, minute)) is quiet


@pytest.mark.parametrize(("hour", "quiet"), [(11, False), (12, True), (13, False)])
def test_quiet_hours_within_a_day_end_before_their_end(hour: int, quiet: bool) -> None:
    assert QuietHours(from_=time(12), to=time(13)).cover(at(hour)) is quiet


def test_a_silence_ends_when_it_says() -> None:
    read = policy(ALL)
    assert getattr(read.silence_of("shop_eu", at(5)), "reason", None) == "the server moves"
    assert getattr(read.silence_of("shop_us", at(5)), "reason", None) == "everything moves"
    assert read.silence_of("shop_us", at(6, day=20)) is None
    assert read.silence_of("shop_eu", at(6, day=21)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channel: data-alerts", "expected a channel such as #data-alerts"),
        ("owners: {shops: {mention: '@oncall'}}", "expected Slack's form of a mention"),
        ("quiet_hours: {from: 20 o'clock, to: '07:00'}", 'expected an hour of the day such as "22:00"'),
        ("quiet_hours: {from: '07:00', to: '07:00'}", "expected `from` and `to` to differ"),
        ("quiet_hours: {from: '20:00', to: '07:00', time_zone: Berlin}", "expected a time zone such as Europe/Berlin"),
        ("silences: [{databases: all, until: 2026-11-21T06:00:00Z, reason: ' '}]", "expected a few words"),
        ("silences: [{databases: [], until: 2026-11-21T06:00:00Z, reason: x}]", "at least 1 item"),
        ("silences: [{databases: all, until: '2026-11-21T06:00:00', reason: x}]", "timezone"),
        ("repeat_after: 1 day", 'expected a whole number and a unit, such as "90s"'),
        ("chanel: '#x'", "Extra inputs"),
    ],
)
def test_a_wrong_setting_says_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        policy(text)
    assert words in str(error.value)
