"""The rows of `ops.alerts`: what was told when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import AwareDatetime

from tributary.alerts.deliveries import Action, Delivery, Sent
from tributary.alerts.finding import Finding
from tributary.alerts.parts import Event, Frozen
from tributary.alerts.told import SEVERITIES, Told


class AlertRow(Frozen):
    """One row of `ops.alerts`: what was told when."""

    alert_id: str
    kind: str
    cause: str
    severity: str
    owner: str
    channel: str
    subjects: str
    database_count: int
    event: Event
    headline: str
    runbook: str
    sent_at: AwareDatetime


def sent_rows(delivery: Delivery, sent: Sent | None, now: datetime) -> list[AlertRow]:
    """Of one delivery."""
    if sent is None:
        return []
    if delivery.action is Action.update:
        return [_row(delivery.told, Event.updated, now)]
    if delivery.reply:
        return [_row(delivery.told, delivery.reply.event, now)]
    events = [Event.posted] + ([Event.recovered] if delivery.told.closed and not sent.found else [])
    return [_row(delivery.told, event, now) for event in events]


def silenced_rows(before: Sequence[Told], after: Sequence[Told], now: datetime) -> list[AlertRow]:
    """A row for each incident of which something has come under a silence."""
    was = {(one.id, member.finding.key) for one in before for member in one.members if member.silence}
    rows = []
    for one in after:
        new = [
            member.finding
            for member in one.members
            if member.silence and not one.closed and (one.id, member.finding.key) not in was
        ]
        if new:
            rows.append(_row(one, Event.silenced, now, new))
    return rows


def _row(told: Told, event: Event, now: datetime, findings: Sequence[Finding] = ()) -> AlertRow:
    findings = findings or told.named
    subjects = list(dict.fromkeys(finding.subject for finding in findings))
    lead = max(findings, key=lambda one: SEVERITIES.index(one.severity))
    return AlertRow(
        alert_id=told.id, kind=told.kind, cause=told.cause, severity=told.severity,
        owner=", ".join(dict.fromkeys(finding.owner for finding in findings)), channel=told.channel,
        subjects=",".join(subjects), database_count=len(subjects), event=event, headline=lead.headline,
        runbook=lead.runbook, sent_at=now,
    )  # fmt: skip
