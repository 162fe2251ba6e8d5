"""Rounds of the watch over a Slack and a bucket in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tributary.alerts.deliveries import Action, Delivery, Sent
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.incidents import Incidents
from tributary.alerts.messages import Message, worded
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.slack_errors import Patience, SlackAway
from tributary.alerts.telling import Record, tell

T0 = datetime(2013, 1, 2, 3, 0, tzinfo=UTC)
DAY = date(2013, 1, 2)


def finding(subject: str = "shop_eu", at: float = 0, **changes: Any) -> Finding:
    """A sync that failed for good, `at` minutes after T0."""
    values: dict[str, Any] = {
        "kind": Kind.failed, "subject": subject, "day": DAY, "step": "sync", "cause": "airbyte/unavailable",
        "severity": Severity.page, "owner": "data-platform", "since": T0 + timedelta(minutes=at),
        "headline": "sync failed: Airbyte does not answer",
    }  # fmt: skip
    return Finding(**{**values, **changes})


@dataclass
class Thread:
    """One message as Slack shows it, with its thread."""

    delivery_id: str
    channel: str
    message: Message
    edits: int = 0
    replies: list[Message] = field(default_factory=list)

    @property
    def all_text(self) -> str:
        return text_of(self.message)


def text_of(message: Message) -> str:
    """All words of a message's blocks."""
    words = []
    for block in message.blocks:
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        words += [part["text"] for part in parts if part]
    return "\n".join(words)


class MemorySlack:
    """Keeps what is delivered. `away`: refuses all; `loses`: takes these and does not say so."""

    def __init__(self) -> None:
        self.patience = Patience(lambda: 0.0)
        self.threads: list[Thread] = []
        self.away = False
        self.loses: Collection[Action] = ()
        self.by_id: dict[str, Sent] = {}

    def deliver(self, delivery: Delivery) -> Sent | None:
        if self.away:
            raise SlackAway("away", 0)
        if delivery.look and delivery.id in self.by_id:
            return self.by_id[delivery.id].model_copy(update={"found": True})
        if not delivery.send:
            return None
        sent = self._take(delivery)
        self.by_id[delivery.id] = sent
        if delivery.action in self.loses:
            raise SlackAway("timed out", 0)
        return sent

    def _take(self, delivery: Delivery) -> Sent:
        message, told = worded(delivery), delivery.told
        if delivery.action is Action.post:
            self.threads.append(Thread(delivery.id, told.channel, message))
            return Sent(channel_id="C1", ts=str(len(self.threads) - 1))
        assert told.ts is not None
        thread = self.threads[int(told.ts)]
        if delivery.action is Action.update:
            thread.message = message
            thread.edits += 1
        else:
            thread.replies.append(message)
        return Sent(channel_id="C1", ts=told.ts)


class MemoryStore:
    """The object in the bucket."""

    def __init__(self) -> None:
        self.text, self.generation = "{}", 0

    def load(self) -> tuple[Incidents, int]:
        return Incidents.model_validate_json(self.text), self.generation

    def save(self, incidents: Incidents, generation: int) -> int:
        assert generation == self.generation
        self.text = incidents.model_dump_json(by_alias=True, exclude_defaults=True)
        self.generation += 1
        return self.generation


class World:
    """`round` is one round of the watch; time goes on only by `minutes`."""

    def __init__(self, **policy: Any) -> None:
        self.policy = AlertPolicy.model_validate(policy)
        self.now = T0
        self.slack, self.store = MemorySlack(), MemoryStore()
        self.rows: list[dict[str, Any]] = []
        self.record: Record = self.rows.extend

    def round(self, *findings: Finding, minutes: float = 1, blind: Collection[Kind] = ()) -> Incidents:
        self.now += timedelta(minutes=minutes)
        return tell(
            findings, self.now, store=self.store, slack=self.slack, policy=self.policy,
            record=self.record, blind=blind,
        )  # fmt: skip

    def rounds(self, *findings: Finding, minutes: int, step: int = 1) -> None:
        """As many rounds as bring time so far."""
        for _ in range(minutes // step):
            self.round(*findings, minutes=step)

    def events(self, *names: str) -> list[str]:
        """The rows of `ops.alerts`, by their events."""
        return [row["event"] for row in self.rows if not names or row["event"] in names]

    @property
    def threads(self) -> list[Thread]:
        return self.slack.threads

    @property
    def only(self) -> Thread:
        """The one message that there is."""
        assert len(self.threads) == 1, [text_of(one.message) for one in self.threads]
        return self.threads[0]
