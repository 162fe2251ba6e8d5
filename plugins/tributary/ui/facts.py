"""Everything that the pages tell, as it was read last. Pure but for the clock."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from tributary import naming
from tributary.dead_letters.record import CLOSED, DeadLetter, Status
from tributary.registry import Registry

Row = Mapping[str, Any]

# While somebody looks, facts are read again this often; after so long without a look they are not.
REFRESH_SECONDS = 60.0
IDLE_SECONDS = 900.0
# Facts that are older than this are no answer; who asks then waits, but not for ever.
STALE_SECONDS = 300.0
WAIT_SECONDS = 10.0
# How soon facts that somebody asks for anew may be read again.
AT_ONCE_SECONDS = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DayRun:
    """What became of one day of a database: `landed`, or `transforming`."""

    day: date
    run_id: str
    state: str
    rows: int | None
    at: datetime

    @property
    def landed(self) -> bool:
        return self.state == "landed"


@dataclass(frozen=True)
class Timing:
    """When the newest run of a DAG for a day began and ended."""

    run_id: str
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Quality:
    """How many rules of a database passed and failed when they were checked last, all layers together."""

    passed: int
    failed: int

    @property
    def rate(self) -> float:
        total = self.passed + self.failed
        return self.passed / total if total else 1.0


@dataclass(frozen=True)
class Letter:
    """A dead letter as lists show it."""

    id: str
    status: Status
    subject: str
    database: str | None
    dump_date: date
    task_id: str
    dag_id: str | None
    run_id: str | None
    reason: str
    message: str
    tries: int
    last_failed_at: datetime
    changed_at: datetime
    updated_at: datetime | None

    @classmethod
    def of(cls, record: DeadLetter) -> Letter:
        """From the record in the bucket."""
        return cls(**{name: getattr(record, name) for name in cls.__dataclass_fields__})

    @classmethod
    def of_row(cls, row: Row) -> Letter:
        """From its copy in BigQuery."""
        values = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**{**values, "status": Status(row["status"])})

    @property
    def closed(self) -> bool:
        return self.status in CLOSED


@dataclass(frozen=True)
class Published:
    """One version of `consolidated` that was made live."""

    version: str
    run_id: str
    day: date
    as_of: Mapping[str, str | None]
    tables: Mapping[str, int]
    rows: int
    kind: str
    by: str | None
    why: str | None
    at: datetime


@dataclass(frozen=True)
class Snapshot:
    """All facts of one moment; what could not be read is as it was before, and named in `problems`.

    :param read_at: when reading ended.
    :param problems: by source (`ops`, `bucket`, `registry`), in words that a person may read.
    """

    registry: Registry | None
    read_at: datetime
    runs: Mapping[str, Mapping[date, DayRun]] = field(default_factory=dict)
    timings: Mapping[str, Mapping[date, Timing]] = field(default_factory=dict)
    quality: Mapping[str, Quality] = field(default_factory=dict)
    copied_letters: Mapping[str, Letter] = field(default_factory=dict)
    open_letters: Mapping[str, Letter] = field(default_factory=dict)
    bucket_read_at: datetime | None = None
    published: Sequence[Published] = ()
    hold: Row | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def letters(self) -> list[Letter]:
        """All records, the newest failure first. The bucket is the truth where it could be read."""
        merged = dict(self.copied_letters)
        for letter in self.open_letters.values():
            copied = merged.get(letter.id)
            if copied is None or _written(copied) <= _written(letter):
                merged[letter.id] = letter
        # A copy may be behind; the bucket has no such open record any more.
        if self.bucket_read_at is not None:
            merged = {
                letter_id: letter
                for letter_id, letter in merged.items()
                if letter.closed or letter_id in self.open_letters or _written(letter) > self.bucket_read_at
            }
        return sorted(merged.values(), key=lambda letter: (letter.last_failed_at, letter.id), reverse=True)

    @property
    def live(self) -> Published | None:
        """The version that readers see."""
        return self.published[0] if self.published else None

    def with_letters(self, records: Iterable[DeadLetter]) -> Snapshot:
        """With records as somebody has just written them."""
        changed = {record.id: Letter.of(record) for record in records}
        still_open = {**self.open_letters, **changed}
        return replace(
            self,
            open_letters={key: letter for key, letter in still_open.items() if not letter.closed},
            copied_letters={**self.copied_letters, **changed},
        )


def runs_of(rows: Iterable[Row]) -> dict[str, dict[date, DayRun]]:
    """From rows of `ui/runs`."""
    found: dict[str, dict[date, DayRun]] = {}
    for row in rows:
        run = DayRun(row["dump_date"], row["run_id"], row["state"], row["row_count"], row["recorded_at"])
        found.setdefault(row["database"], {})[run.day] = run
    return found


def timings_of(rows: Iterable[Row]) -> dict[str, dict[date, Timing]]:
    """From rows of `ui/timings`."""
    found: dict[str, dict[date, Timing]] = {}
    for row in rows:
        if row["began_at"] is not None and row["ended_at"] is not None:
            timing = Timing(row["run_id"], row["began_at"], row["ended_at"])
            found.setdefault(row["dag_id"], {})[row["dump_date"]] = timing
    return found


def quality_of(rows: Iterable[Row]) -> dict[str, Quality]:
    """From rows of `ui/quality`: the newest day of a database counts, in all layers that were checked for it."""
    by_database: dict[str, list[Row]] = {}
    for row in rows:
        by_database.setdefault(row["database"], []).append(row)
    found = {}
    for database, layers in by_database.items():
        newest = max(row["dump_date"] for row in layers)
        last = [row for row in layers if row["dump_date"] == newest]
        found[database] = Quality(sum(row["passed"] for row in last), sum(row["failed"] for row in last))
    return found


def published_of(rows: Iterable[Row]) -> tuple[Published, ...]:
    """From rows of `ui/published`."""
    return tuple(
        Published(
            version=row["version"],
            run_id=row["run_id"],
            day=row["day"],
            as_of=json.loads(row["as_of"]),
            tables=json.loads(row["tables"]),
            rows=row["row_count"],
            kind=row["kind"],
            by=row["published_by"],
            why=row["why"],
            at=row["published_at"],
        )
        for row in rows
    )


def dag_of(subject: str) -> str:
    """The DAG of a database, or of `consolidate`."""
    return subject if subject == naming.CONSOLIDATE_DAG else naming.dag_id(subject)


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
                self._changed.wait_for(lambda: self._wanted, timeout=REFRESH_SECONDS)
                if not self._wanted and self._clock() - self._looked_at > IDLE_SECONDS:
                    self._thread = None
                    return

    def _try_to_read(self, before: Snapshot | None) -> Snapshot | None:
        try:
            return self._read(before)
        except Exception:
            log.exception("The facts of the pages could not be read; the next look tries again")
            return None


def _written(letter: Letter) -> datetime:
    return letter.updated_at or letter.changed_at
