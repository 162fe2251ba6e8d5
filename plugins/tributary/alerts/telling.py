"""One round: decide what is to be told, keep that, send it, keep that it was sent.

Whatever dies or is away in between, the next round goes on: what was decided is in the bucket before it
is sent, and what may have arrived is looked for before it is sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from tributary.alerts.deliveries import Delivery, Sent
from tributary.alerts.finding import Finding, Kind
from tributary.alerts.incidents import Incidents
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.slack_errors import Patience, SlackAway, SlackRefused
from tributary.alerts.store import WrittenElsewhereError
from tributary.dead_letters.store import within

# After so much time a round sends nothing more; the next one goes on.
ROUND_SECONDS = 40.0
RECORD_SECONDS = 20.0

log = logging.getLogger(__name__)

Record = Callable[[Sequence[dict[str, Any]]], object]


class Store(Protocol):
    """See `store.IncidentStore`."""

    def load(self) -> tuple[Incidents, int]: ...

    def save(self, incidents: Incidents, generation: int) -> int: ...


class Messenger(Protocol):
    """See `slack.Slack`."""

    patience: Patience

    def deliver(self, delivery: Delivery) -> Sent | None: ...


def tell(
    findings: Sequence[Finding],
    now: datetime,
    *,
    store: Store,
    slack: Messenger,
    policy: AlertPolicy,
    record: Record,
    blind: Collection[Kind] = (),
) -> Incidents:
    """Tell people what is new about what is wrong; the incidents as they are then.

    Slack, bucket and BigQuery may be away: what could not be done stays for the next round. Begins nothing
    after ROUND_SECONDS, and waits for BigQuery no longer than RECORD_SECONDS.

    :param findings: all that is wrong now.
    :param now: real time.
    :param record: appends rows to `ops.alerts`.
    :param blind: kinds that could not be looked for in this round: what is known of them stays as it is.
    """
    before, generation = store.load()
    incidents = before.observe(findings, now, policy, blind)
    outbox = [] if slack.patience.asleep() else incidents.outbox()
    incidents = incidents.attempted(delivery.id for delivery in outbox)
    if incidents != before:
        try:
            generation = store.save(incidents, generation)
        except WrittenElsewhereError as error:
            log.warning("%s; nothing is told in this round. Does a second `tributary watch` run?", error)
            return before
    kept = incidents
    incidents = _recorded(_sent(incidents, outbox, now, slack), record)
    if incidents != kept:
        try:
            store.save(incidents, generation)
        except WrittenElsewhereError as error:
            # What was sent is found again by its id.
            log.warning("%s; the next round looks for what was sent", error)
    return incidents


def _sent(incidents: Incidents, outbox: Sequence[Delivery], now: datetime, slack: Messenger) -> Incidents:
    end = time.monotonic() + ROUND_SECONDS
    closed: set[str] = set()
    for delivery in outbox:
        channel = delivery.told.channel
        if time.monotonic() > end:
            break
        if channel in closed:
            continue
        try:
            incidents = incidents.delivered(delivery, slack.deliver(delivery), now)
        except SlackAway as error:
            slack.patience.away(error)
            break
        except SlackRefused as error:
            slack.patience.refused(error)
            if error.everywhere:
                break
            closed.add(channel)
    return incidents


def _recorded(incidents: Incidents, record: Record) -> Incidents:
    if not incidents.rows:
        return incidents
    rows = [row.model_dump(mode="json") for row in incidents.rows]
    if not within(RECORD_SECONDS, lambda: record(rows), "The copy in ops.alerts", "the next round brings it"):
        return incidents
    return incidents.recorded()
