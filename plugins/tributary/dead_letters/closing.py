"""Closing the records of a day that was loaded after all."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from tributary import naming
from tributary.dead_letters.record import DeadLetter
from tributary.dead_letters.store import LetterStore, within

_SECONDS = 30.0
_REQUEST_SECONDS = 10.0

log = logging.getLogger(__name__)


def close_for_run(dag_id: str, run_id: str, database: str | None, dump_date: date) -> int:
    """Close the records of a database and day (`consolidate`'s without one) whose run has come to its end.

    For the last task of a run; it closes what earlier runs of the same day left, too, for the day is
    loaded now. Returns how many it closed. Never raises: the next sweep closes what this could not.
    """
    closed: list[DeadLetter] = []

    def close() -> None:
        store = LetterStore.for_tasks(_REQUEST_SECONDS)
        store.deliver()
        now = datetime.now(UTC)
        ids = [
            letter.id
            for letter in store.bucket.list(database or naming.CONSOLIDATE_DAG, closed=False)
            if letter.dump_date == dump_date and letter.dag_id == dag_id
        ]
        closed.extend(store.change(ids, lambda letter: letter if letter.last_failed_at > now else letter.replayed(now)))

    within(_SECONDS, close, f"Closing the dead letters of {dag_id} for {dump_date}")
    if closed:
        log.info("%s has closed the dead letters %s", run_id, ", ".join(letter.id for letter in closed))
    return len(closed)
