"""Which incident something new belongs to. Pure."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tributary.alerts.finding import Finding, Kind
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.told import SEVERITIES, Told

# Findings with one kind and cause that begin within this time of each other are one incident.
TOGETHER = timedelta(minutes=30)
# What belongs together when it concerns one database and day: one trouble, seen from several sides.
ONE_TROUBLE = frozenset({Kind.failed, Kind.late, Kind.stale, Kind.slow})


class Sorter:
    """Puts findings into incidents: that of their database and day, else that of their cause, else a new one.

    Quick with thousands of findings: in the worst night everything is broken.
    """

    def __init__(self, told: Sequence[Told], now: datetime, policy: AlertPolicy) -> None:
        self._told = list(told)
        self._now = now
        self._policy = policy
        self._ids = {one.id for one in told}
        self._joining: dict[int, list[Finding]] = defaultdict(list)
        self._by_subject: dict[str, list[tuple[Finding, int]]] = defaultdict(list)
        self._by_cause: dict[tuple[Kind, str, str], list[tuple[datetime, int]]] = defaultdict(list)
        for index, one in enumerate(told):
            if not one.closed:
                for member in one.members:
                    self._know(member.finding, index, one.channel, healed=member.healed)

    def put(self, finding: Finding) -> None:
        """Place one that no open incident has; the oldest first."""
        channel = self._policy.channel_of(finding.owner)
        index = self._of_its_database(finding)
        if index is None:
            index = self._of_its_cause(finding, channel)
        if index is None:
            index = len(self._told)
            self._told.append(self._begun(finding, channel))
        self._joining[index].append(finding)
        self._know(finding, index, self._told[index].channel)

    def result(self) -> list[Told]:
        """The incidents, with what was put into them."""
        for index, findings in self._joining.items():
            self._told[index] = self._told[index].joined(findings, self._now, self._policy)
        return self._told

    def _of_its_database(self, finding: Finding) -> int | None:
        known = (index for other, index in self._by_subject[finding.subject] if _one_trouble(other, finding))
        return max(known, default=None)

    def _of_its_cause(self, finding: Finding, channel: str) -> int | None:
        known = self._by_cause[finding.kind, finding.cause, channel]
        place = bisect_left(known, (finding.since, 0))
        close = [
            index for since, index in known[max(place - 1, 0) : place + 1] if abs(since - finding.since) <= TOGETHER
        ]
        return max(close, default=None)

    def _know(self, finding: Finding, index: int, channel: str, *, healed: bool = False) -> None:
        if not healed:
            self._by_subject[finding.subject].append((finding, index))
        insort(self._by_cause[finding.kind, finding.cause, channel], (finding.since, index))

    def _begun(self, finding: Finding, channel: str) -> Told:
        identity = _identity(finding, self._ids)
        self._ids.add(identity)
        return Told(
            id=identity,
            kind=finding.kind,
            cause=finding.cause,
            channel=channel,
            severity=SEVERITIES[0],
            members=(),
            opened=self._now,
            changed=self._now,
        )


def _one_trouble(one: Finding, other: Finding) -> bool:
    if one.kind is other.kind is Kind.schema_changed:
        return True
    if not {one.kind, other.kind} <= ONE_TROUBLE:
        return False
    return one.day == other.day or one.kind is other.kind is Kind.stale


def _identity(finding: Finding, taken: Collection[str]) -> str:
    """`failed-20130102-0300-4f665a`: the same from every machine, so that two states can be merged."""
    digest = hashlib.sha256(f"{finding.key}\n{finding.cause}".encode()).hexdigest()[:6]
    name = f"{finding.kind}-{finding.since:%Y%m%d-%H%M}-{digest}".replace("_", "-")
    numbers = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(number for number in numbers if number not in taken)
