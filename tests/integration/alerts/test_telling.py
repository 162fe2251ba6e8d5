"""Incidents told through Airflow's Slack hook to the local Slack, kept in a real bucket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.alerts.conftest import Workspace
from tests.support.services import LocalCloud
from tests.unit.alerts.alert_world import finding
from tributary.alerts.finding import Finding, Severity
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.slack import Slack
from tributary.alerts.slack_errors import Patience
from tributary.alerts.store import OBJECT, IncidentStore
from tributary.alerts.telling import tell


class Watch:
    """Rounds of the watch, whose clock goes on by minutes; `began` is the real time, as Slack's is."""

    def __init__(self, workspace: Workspace, slack: Slack, store: IncidentStore, channel: str) -> None:
        self.workspace, self.slack, self.store = workspace, slack, store
        self.channel_id = workspace.channel(channel)
        owner = {"channel": f"#{channel}", "mention": "<!subteam^S0DATA>"}
        self.policy = AlertPolicy.model_validate({"owners": {"data-platform": owner}})
        self.began = self.now = datetime.now(UTC)
        self.rows: list[dict[str, Any]] = []
        self.seconds = 0.0
        slack.patience = Patience(lambda: self.seconds)

    def broken(self, subject: str, minutes: float = 0, **changes: Any) -> Finding:
        return finding(subject, since=self.began + timedelta(minutes=minutes), **changes)

    def round(self, *findings: Finding, minutes: float = 1) -> None:
        self.now += timedelta(minutes=minutes)
        self.seconds += minutes * 60
        tell(findings, self.now, store=self.store, slack=self.slack, policy=self.policy, record=self.rows.extend)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.workspace.messages(self.channel_id)

    @property
    def replies(self) -> list[str]:
        [message] = self.messages
        return [one["text"] for one in self.workspace.replies(self.channel_id, message["ts"])]


@pytest.fixture
def watch(workspace: Workspace, slack: Slack, store: IncidentStore, request: pytest.FixtureRequest) -> Watch:
    return Watch(workspace, slack, store, request.node.name[:70].lower().replace("[", "-").rstrip("]"))


def test_forty_databases_on_one_broken_airbyte_are_one_message(watch: Watch) -> None:
    broken = [
        watch.broken(f"shop_{number:02}", number / 5, command=f"tributary dead-letters replay shop_{number:02}/d/sync")
        for number in range(40)
    ]
    for count in (3, 11, 26, 40, 40, 40):
        watch.round(*broken[:count])
    [message] = watch.messages
    assert "40 databases: sync failed: Airbyte does not answer" in message["text"]
    assert "<!subteam^S0DATA>" in message["text"]
    words = str(message["blocks"])
    assert "airbyte/unavailable" in words
    assert "shop_09 and 30 more" in words
    for minutes in (1, 1, 20):
        watch.round(minutes=minutes)
    watch.round(minutes=60)
    assert "Recovered after" in str(watch.messages[0]["blocks"])
    assert [one.startswith("✅ Recovered after") for one in watch.replies] == [True]
    assert [row["event"] for row in watch.rows].count("recovered") == 1
    assert watch.rows[-1]["database_count"] == 40


def outage(workspace: Workspace) -> None:
    workspace.fault("http", status=503, count=100)


def rate_limit(workspace: Workspace) -> None:
    workspace.fault("http", status=429, seconds=30, count=100)


def internal_error(workspace: Workspace) -> None:
    workspace.fault("error", code="internal_error", count=100)


@pytest.mark.parametrize("fault", [outage, rate_limit, internal_error])
def test_what_slack_missed_is_told_when_it_is_back(watch: Watch, fault: Callable[[Workspace], None]) -> None:
    fault(watch.workspace)
    watch.round(watch.broken("shop_eu"))
    watch.round(watch.broken("shop_eu"))
    watch.workspace.forget_faults()
    assert watch.messages == []
    for _ in range(3):
        watch.round(watch.broken("shop_eu"))
    assert len(watch.messages) == 1


def test_a_slack_that_is_down_loses_nothing(watch: Watch, cloud: LocalCloud) -> None:
    cloud.processes["slack"].kill()
    try:
        watch.round(watch.broken("shop_eu"))
        watch.round(watch.broken("shop_eu"), watch.broken("shop_us"))
    finally:
        cloud.start("slack")
    watch.round(watch.broken("shop_eu"), watch.broken("shop_us"))
    [message] = watch.messages
    assert "2 databases" in message["text"]


def test_a_rate_limit_is_kept(watch: Watch) -> None:
    watch.workspace.fault("http", status=429, seconds=300)
    for _ in range(5):
        watch.round(watch.broken("shop_eu"))
        assert watch.messages == []
    watch.round(watch.broken("shop_eu"))
    assert len(watch.messages) == 1


@pytest.mark.parametrize("severity", [Severity.page, Severity.ticket])
def test_a_post_and_a_reply_whose_answers_were_lost_come_once(watch: Watch, severity: Severity) -> None:
    watch.workspace.fault("lost_answer", path="chat.postMessage")
    for _ in range(3):
        watch.round(watch.broken("shop_eu", severity=severity))
    assert len(watch.messages) == 1
    watch.round()
    watch.workspace.fault("lost_answer", path="chat.postMessage")
    for _ in range(5):
        watch.round(minutes=10)
    assert len(watch.replies) == 1
    assert "Recovered after" in watch.messages[0]["text"] + str(watch.messages[0]["blocks"])


def test_the_process_may_die_between_slacks_answer_and_the_bucket(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = watch.slack.deliver

    def deliver_and_die(*arguments: Any) -> None:
        deliver(*arguments)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(watch.slack, "deliver", deliver_and_die)
        with pytest.raises(SystemExit):
            watch.round(watch.broken("shop_eu"))
    for _ in range(3):
        watch.round(watch.broken("shop_eu"))
    assert len(watch.messages) == 1
    assert [row["event"] for row in watch.rows] == ["posted", "updated"]


def test_a_channel_that_is_not_there_is_named_once_an_hour(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    owners = {
        **watch.policy.owners,
        "others": watch.policy.owners["data-platform"].model_copy(update={"channel": "#no"}),
    }
    watch.policy = watch.policy.model_copy(update={"owners": owners})
    both = watch.broken("shop_us", owner="others"), watch.broken("shop_eu")
    with caplog.at_level(logging.ERROR):
        for _ in range(59):
            watch.round(*both)
    assert len(watch.messages) == 1
    said = [record.message for record in caplog.records if "channel_not_found" in record.message]
    assert len(said) == 1
    assert "names #no" in said[0]
    watch.round(*both, minutes=5)
    assert len([record for record in caplog.records if "channel_not_found" in record.message]) == 2


def test_blocks_that_slack_refuses_are_left_out(watch: Watch) -> None:
    watch.workspace.fault("error", code="invalid_blocks")
    watch.round(watch.broken("shop_eu"))
    [message] = watch.messages
    assert message["blocks"] == []
    assert "sync failed" in message["text"]


def test_a_message_that_somebody_deleted_keeps_nothing_waiting(watch: Watch) -> None:
    watch.round(watch.broken("shop_eu"))
    watch.workspace.fault("error", code="message_not_found", path="chat.update")
    for _ in range(3):
        watch.round(watch.broken("shop_eu"), watch.broken("shop_us"))
    assert watch.store.load()[0].outbox() == []


def test_a_bucket_that_is_away_keeps_nobody_from_being_told(watch: Watch, cloud: LocalCloud) -> None:
    watch.round(watch.broken("shop_eu"))
    cloud.processes["storage"].kill()
    try:
        watch.store._limits = {"timeout": 2.0, "retry": None}
        watch.round(watch.broken("shop_eu"), watch.broken("shop_us", cause="other"))
        watch.round(watch.broken("shop_eu"), watch.broken("shop_us", cause="other"))
        assert len(watch.messages) == 2
    finally:
        cloud.start("storage")
    watch.round(watch.broken("shop_eu"), watch.broken("shop_us", cause="other"))
    watch.round(watch.broken("shop_eu"), watch.broken("shop_us", cause="other"))
    assert len(watch.messages) == 2
    assert len(watch.store.load()[0].told) == 2
    assert watch.store._bucket.blob(OBJECT).exists()


def test_two_watches_tell_once(watch: Watch, slack: Slack, store: IncidentStore) -> None:
    load = store.load
    other = load()

    def load_then_the_other_writes() -> Any:
        loaded = load()
        store.save(other[0].observe([watch.broken("shop_eu")], watch.now, watch.policy), other[1])
        return loaded

    store.load = load_then_the_other_writes  # type: ignore[method-assign]
    watch.round(watch.broken("shop_eu"))
    assert watch.messages == []
    store.load = load  # type: ignore[method-assign]
    watch.round(watch.broken("shop_eu"))
    assert len(watch.messages) == 1


def test_the_page_shows_messages_with_their_threads(watch: Watch) -> None:
    watch.round(watch.broken("shop_eu", detail=("it says <b>this</b> & that",)))
    for _ in range(3):
        watch.round(minutes=10)
    page = watch.workspace.page(watch.policy.channel_of("data-platform"))
    assert "Recovered after" in page
    assert "1 reply" in page
    assert "<strong>Recovered" in page
    assert "&lt;!date" not in page
    assert "<b>" not in page
