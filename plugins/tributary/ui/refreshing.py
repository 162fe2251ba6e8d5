"""The newest facts in this process's memory, read again behind the backs of those who look."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from tributary.dead_letters.record import DeadLetter
from tributary.ui.facts import Snapshot

# While somebody looks, facts are read again this often; after so long without a look they are not.
REFRESH_SECONDS = 60.0
IDLE_SECONDS = 900.0
# Facts that are older than this are no answer; who asks then waits, but not for ever.
STALE_SECONDS = 300.0
WAIT_SECONDS = 10.0
# How soon facts that somebody asks for anew may be read again.
AT_ONCE_SECONDS = 3.0

log = logging.getLogger(__name__)


class Facts:
    """The newest snapshot, in this process's memory, read again behind the backs of those who look.

    :param read: makes a snapshot; it gets the one before, for what cannot be read now.
    """

    def __init__(self, read: Callable[[Snapshot | None], Snapshot], clock: Callable[[], float] = time.monotonic):
        self._read = read
        self._clock = clock
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._read_at = 0.0
        self._looked_at = 0.0
        self._remembered: list[tuple[float, DeadLetter]] = []
        self._thread: threading.Thread | None = None
        self._reading = False
        self._wanted = False
        self._stopped = False

    def stop(self) -> None:
        """Read nothing more once what is being read has been."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def current(self, *, anew: bool = False) -> Snapshot:
        """The newest facts; with `anew` those of this moment, if they can be read in WAIT_SECONDS.

        Never raises: where nothing was read yet, the snapshot says so in its problems.
        """
        with self._changed:
            asked_at = self._looked_at = self._clock()
            age = asked_at - self._read_at
            nothing = self._snapshot is None
            anew = anew and not nothing and age > AT_ONCE_SECONDS
            begun_after = asked_at if anew else asked_at - STALE_SECONDS
            if anew or (not self._reading and (nothing or age > STALE_SECONDS)):
                self._wanted = True
            self._start()
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._snapshot is not None and self._read_at >= begun_after, timeout=WAIT_SECONDS
            )
            return self._snapshot or Snapshot(
                None, datetime.now(UTC), problems={"ops": f"Nothing could be read within {WAIT_SECONDS:.0f} s."}
            )

    def remember(self, records: Iterable[DeadLetter]) -> None:
        """Show what somebody has just changed, before it is read again."""
        with self._changed:
            self._remembered += [(self._clock(), record) for record in records]
            if self._snapshot is not None:
                self._snapshot = self._snapshot.with_letters(record for _, record in self._remembered)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._keep_fresh, name="tributary-facts", daemon=True)
            self._thread.start()

    def _keep_fresh(self) -> None:
        while True:
            with self._changed:
                self._wanted, self._reading = False, True
                before = self._snapshot
            began = self._clock()
            snapshot = self._try_to_read(before)
            with self._changed:
                self._reading = False
                if snapshot is not None:
                    # What was changed while it was read may not be in it.
                    self._remembered = [(at, record) for at, record in self._remembered if at >= began]
                    self._snapshot = snapshot.with_letters(record for _, record in self._remembered)
                    self._read_at = began
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._wanted or self._stopped, timeout=REFRESH_SECONDS)
                idle = not self._wanted and self._clock() - self._looked_at > IDLE_SECONDS
                if idle or self._stopped:
                    self._thread = None
                    return

    def _try_to_read(self, before: Snapshot | None) -> Snapshot | None:
        try:
            return self._read(before)
        except Exception:
            log.exception("The facts of the pages could not be read; the next look tries again")
            return None
