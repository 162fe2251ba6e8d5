"""What is told about what is wrong: each incident once, its changes in its thread. Pure.

`observe` is asked in every round with all that is wrong at that moment, and decides; `outbox` has what
is to be sent; `delivered` notes what was. In between the state is saved, so that a process that dies
leaves its intentions behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tributary.alerts.deliveries import Action, Delivery, Sent, delivered, deliveries_of
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.parts import Member
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.rows import AlertRow, sent_rows, silenced_rows
from tributary.alerts.told import Told

# Findings with one kind and cause that begin within this time of each other are one incident.
TOGETHER = timedelta(minutes=30)
# What belongs together when it concerns one database and day: one trouble, seen from several sides.
ONE_TROUBLE = frozenset({Kind.failed, Kind.late, Kind.stale, Kind.slow})
FORGOTTEN_AFTER = timedelta(days=14)
# Rows for `ops.alerts` that wait while BigQuery is away.
_MOST_ROWS = 2_000


class Incidents(BaseModel):
    """All incidents of the last days, as they are kept in the bucket."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_: Literal[1] = Field(1, alias="schema")
    told: tuple[Told, ...] = ()
    rows: tuple[AlertRow, ...] = ()

    def observe(
        self, findings: Sequence[Finding], now: datetime, policy: AlertPolicy, blind: Collection[Kind] = ()
    ) -> Incidents:
        """What becomes of the incidents by what is wrong now.

        :param findings: all that is wrong; what is missing here is well.
        :param blind: kinds that could not be looked for this time: what is known of them stays.
        """
        found = {finding.key: finding for finding in findings}
        kept = (one for one in self.told if not one.closed or now - one.closed < FORGOTTEN_AFTER)
        told = [one.looked_at(found, now, policy, blind) for one in kept]
        known = {member.finding.key for one in told if not one.closed for member in one.members}
        for finding in sorted(found.values(), key=lambda one: (one.since, one.key)):
            if finding.key in known:
                continue
            home = _home(told, finding, policy)
            if home is None:
                told.append(_begun(finding, now, policy, {one.id for one in told}))
            else:
                told[home] = told[home].joined(finding, now, policy)
        decided = tuple(one.decided(now, policy) for one in told)
        return self._with(decided, silenced_rows(self.told, decided, now))

    def outbox(self) -> list[Delivery]:
        """What is to be sent now, the oldest first."""
        deliveries = [delivery for one in self.told for delivery in deliveries_of(one)]
        # An edit before the reply that was decided in the same moment.
        return sorted(deliveries, key=lambda one: (one.created, one.action is Action.reply))

    def attempted(self, delivery_ids: Iterable[str]) -> Incidents:
        """With the note that these are being sent; to be saved before they are."""
        begun = set(delivery_ids)
        told = []
        for one in self.told:
            # An edit may be made twice.
            ids = {delivery.id for delivery in deliveries_of(one) if delivery.action is not Action.update}
            new = tuple(sorted(ids & begun - set(one.attempted)))
            told.append(one.model_copy(update={"attempted": one.attempted + new}) if new else one)
        return self.model_copy(update={"told": tuple(told)})

    def delivered(self, delivery: Delivery, sent: Sent | None, now: datetime) -> Incidents:
        """With the note that it is there; None: it is not, and need not be any more."""
        told = tuple(delivered(one, delivery, sent, now) if one.id == delivery.told.id else one for one in self.told)
        return self._with(told, sent_rows(delivery, sent, now))

    def recorded(self, rows: Collection[AlertRow]) -> Incidents:
        """Without rows that `ops.alerts` has."""
        return self.model_copy(update={"rows": tuple(row for row in self.rows if row not in rows)})

    def merged(self, other: Incidents) -> Incidents:
        """Both together, where two were written apart; of one incident the one that is further."""
        told = {one.id: one for one in other.told}
        for one in self.told:
            known = told.get(one.id)
            if known is None or _progress(one) >= _progress(known):
                told[one.id] = one
        rows = (*other.rows, *(row for row in self.rows if row not in other.rows))
        return self.model_copy(update={"told": tuple(told.values()), "rows": rows[-_MOST_ROWS:]})

    def _with(self, told: tuple[Told, ...], rows: Sequence[AlertRow]) -> Incidents:
        return self.model_copy(update={"told": told, "rows": (*self.rows, *rows)[-_MOST_ROWS:]})


def _home(told: Sequence[Told], finding: Finding, policy: AlertPolicy) -> int | None:
    """The open incident that a finding belongs to: that of its database and day, else that of its cause."""
    channel = policy.channel_of(finding.owner)
    related = joint = None
    for index, one in enumerate(told):
        if one.closed:
            continue
        for member in one.members:
            known = member.finding
            if not member.healed and _one_trouble(known, finding):
                related = index
            close = abs(known.since - finding.since) <= TOGETHER
            if close and (known.kind, known.cause, one.channel) == (finding.kind, finding.cause, channel):
                joint = index
    return joint if related is None else related


def _one_trouble(one: Finding, other: Finding) -> bool:
    if one.subject != other.subject or not {one.kind, other.kind} <= ONE_TROUBLE:
        return False
    return one.day == other.day or one.kind is other.kind is Kind.stale


def _begun(finding: Finding, now: datetime, policy: AlertPolicy, taken: Collection[str]) -> Told:
    silence = policy.silence_of(finding.subject, now)
    digest = hashlib.sha256(f"{finding.key}\n{finding.cause}".encode()).hexdigest()[:6]
    name = f"{finding.kind}-{finding.since:%Y%m%d-%H%M}-{digest}".replace("_", "-")
    number = next(number for number in range(1, len(taken) + 2) if _numbered(name, number) not in taken)
    return Told(
        id=_numbered(name, number),
        kind=finding.kind,
        cause=finding.cause,
        channel=policy.channel_of(finding.owner),
        severity=Severity.note if silence else finding.severity,
        members=(Member(finding=finding, silence=silence.reason if silence else None),),
        opened=now,
        changed=now,
    )


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _progress(told: Told) -> tuple[bool, bool, int, int]:
    return told.closed is not None, told.ts is not None, told.revision, told.numbered
