"""What is told about what is wrong: each incident once, its changes in its thread. Pure.

`observe` is asked in every round with all that is wrong at that moment, and decides; `outbox` has what
is to be sent; `delivered` notes what was. In between the state is saved, so that a process that dies
leaves its intentions behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tributary.alerts.deliveries import Action, Delivery, Sent, delivered, deliveries_of
from tributary.alerts.finding import Finding, Kind
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.rows import AlertRow, sent_rows, silenced_rows
from tributary.alerts.sorting import Sorter
from tributary.alerts.told import Told

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
        sorter = Sorter(told, now, policy)
        for finding in sorted(found.values(), key=lambda one: (one.since, one.key)):
            if finding.key not in known:
                sorter.put(finding)
        decided = tuple(one.decided(now, policy) for one in sorter.result())
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

    def recorded(self) -> Incidents:
        """Once `ops.alerts` has the rows."""
        return self.model_copy(update={"rows": ()})

    def merged(self, other: Incidents) -> Incidents:
        """Both together, where two were written apart; of one incident the one that is further."""
        told = {one.id: one for one in other.told}
        for one in self.told:
            known = told.get(one.id)
            if known is None or _progress(one) >= _progress(known):
                told[one.id] = one
        rows = tuple(dict.fromkeys((*other.rows, *self.rows)))
        return self.model_copy(update={"told": tuple(told.values()), "rows": rows[-_MOST_ROWS:]})

    def _with(self, told: tuple[Told, ...], rows: Sequence[AlertRow]) -> Incidents:
        return self.model_copy(update={"told": told, "rows": (*self.rows, *rows)[-_MOST_ROWS:]})


def _progress(told: Told) -> tuple[bool, bool, int, int]:
    return told.closed is not None, told.ts is not None, told.revision, told.numbered
