"""The store of records: the bucket, what waits on this disk for it, and the copy in BigQuery."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.record import DeadLetter
from tributary.dead_letters.spool import Spool
from tributary.settings import Settings

if TYPE_CHECKING:
    from tributary.ledger.store import OpsStore

# BigQuery's own library tries for up to ten minutes; a copy is not worth that.
COPY_SECONDS = 20.0

log = logging.getLogger(__name__)


class LetterStore:
    """Every way to read and change records. The bucket is the truth, the copy in BigQuery follows it.

    :param ops: gives the dataset `ops` when it is first needed.
    """

    def __init__(self, bucket: LetterBucket, spool: Spool, ops: Callable[[], OpsStore]) -> None:
        self.bucket = bucket
        self.spool = spool
        self._ops = ops

    @classmethod
    def for_people(cls) -> LetterStore:
        """For the command: with the credentials of whoever calls it."""
        from google.cloud import storage

        from tributary.terminal import store_for_people

        bucket = LetterBucket(storage.Client(), Settings.from_environment().dumps_bucket)
        return cls(bucket, Spool.from_environment(), store_for_people)

    @classmethod
    def for_tasks(cls, seconds: float) -> LetterStore:
        """For Airflow's processes: with the Google connection. A request is tried for `seconds` at most."""
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        from tributary.hooks.clients import ops_store
        from tributary.settings import GOOGLE_CONNECTION

        client = GCSHook(gcp_conn_id=GOOGLE_CONNECTION).get_conn()
        bucket = LetterBucket(client, Settings.from_environment().dumps_bucket, seconds)
        return cls(bucket, Spool.from_environment(), ops_store)

    def record(self, letter: DeadLetter) -> DeadLetter:
        """Bring a failure into the record of its step; the same failure again changes nothing."""
        changed = self.bucket.change(letter.id, lambda found: found.absorb(letter) if found else letter)
        assert changed is not None
        return changed

    def deliver(self, limit: int | None = None) -> int:
        """Bring what waits on this disk into the bucket; the number of records that waited."""
        return self.spool.deliver(self.record, limit)

    def change(self, letter_ids: Iterable[str], change: Callable[[DeadLetter], DeadLetter]) -> list[DeadLetter]:
        """Change records and copy them; returns them as they are then, without those that do not exist."""

        def if_there(found: DeadLetter | None) -> DeadLetter | None:
            return change(found) if found else None

        changed = [self.bucket.change(letter_id, if_there) for letter_id in letter_ids]
        there = [letter for letter in changed if letter is not None]
        self.copy(there)
        return there

    def copy(self, letters: Sequence[DeadLetter]) -> bool:
        """Append records to the log behind `ops.dead_letters`; False where BigQuery did not take them.

        The next sweep then does.
        """
        if not letters:
            return True
        return within(COPY_SECONDS, lambda: self._append(letters), "The copy in ops.dead_letters")

    def copy_missing(self, letters: Sequence[DeadLetter]) -> int | None:
        """Copy the records that `ops.dead_letters` does not have in their last state; None: see `copy`."""
        missing: list[DeadLetter] = []

        def compare_and_copy() -> None:
            rows = self._ops().query("ops/dead_letters_copied")
            copied = {(row["id"], row["updated_at"]) for row in rows}
            missing.extend(letter for letter in letters if (letter.id, letter.updated_at) not in copied)
            self._append(missing)

        return len(missing) if within(3 * COPY_SECONDS, compare_and_copy, "The copy in ops.dead_letters") else None

    def _append(self, letters: Sequence[DeadLetter]) -> None:
        self._ops().append_all("dead_letters_log", [letter.to_row() for letter in letters])


def within(seconds: float, call: Callable[[], object], what: str, then: str = "a sweep makes up for it") -> bool:
    """Run something that may hang, and wait no longer than that; whether it ended well in time.

    What it raises is logged. What does not end goes on in the background, and dies with the process.
    """
    well = threading.Event()

    def run() -> None:
        try:
            call()
            well.set()
        except Exception:
            log.exception("%s failed; %s", what, then)

    thread = threading.Thread(target=run, name="within", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        log.warning("%s did not end within %.0f s; %s", what, seconds, then)
    return well.is_set()
