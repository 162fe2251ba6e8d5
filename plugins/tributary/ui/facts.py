"""Everything that the pages tell, as it was read last. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from tributary import naming
from tributary.dead_letters.record import CLOSED, DeadLetter, Status
from tributary.registry import Registry

Row = Mapping[str, Any]


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


def _written(letter: Letter) -> datetime:
    return letter.updated_at or letter.changed_at
