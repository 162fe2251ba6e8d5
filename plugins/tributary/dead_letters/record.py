"""The record of a step that failed for good. Pure: how records merge and how their status moves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field

from tributary import naming
from tributary.errors import TributaryError

FOLDER = "_dead_letters/"
COMMAND = "tributary dead-letters"
DAG_IMPORT = "dag_import"
# The reason where nothing told one: no exception reached the record.
NOT_REPORTED = "NotReported"
# Occurrences that a record remembers, to know them again; its `tries` count all.
_REMEMBERED = 50
_ID = re.compile(r"[a-z][\w.-]*/\d{4}-\d\d-\d\d/\w[\w.-]*")


class Status(StrEnum):
    """Where a record stands: `replayed` and `resolved` are its ends."""

    open = "open"
    replaying = "replaying"
    replayed = "replayed"
    resolved = "resolved"


CLOSED = frozenset({Status.replayed, Status.resolved})


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Occurrence(_Frozen):
    """One time that the step failed for good.

    `key` is the same whoever tells of it (Airflow's id of the task instance's last try), so that it
    counts once. `try_number` counts from the run's beginning, replays included.
    """

    key: str
    run_id: str | None
    try_number: int
    failed_at: AwareDatetime


class DeadLetter(_Frozen):
    """What is known of a step that failed for good.

    :param subject: the database, `consolidate`, or `dags.<file>` for a file that does not import.
    :param reason: class of the exception; `code` is its number, where it has one.
    :param message: one redacted line.
    :param kind: `passing`, `permanent` or `unknown`; with `cause`, `service` and `advice` what
        `tributary.failures` makes of the exception.
    :param tries: how often the step was tried in vain, all runs together.
    :param changed_at: when `status` moved last; `updated_at`: when anything did, set by the bucket.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    subject: str
    dump_date: date
    task_id: str
    database: str | None = None
    dag_id: str | None = None
    run_id: str | None = None
    dump_uri: str | None = None
    dump_generation: int | None = None
    reason: str
    code: str | None = None
    message: str
    kind: str | None = None
    cause: str | None = None
    service: str | None = None
    advice: str | None = None
    tries: int
    first_failed_at: AwareDatetime
    last_failed_at: AwareDatetime
    log_url: str | None = None
    status: Status = Status.open
    outcome: str | None = None
    replayed_by: str | None = None
    resolved_by: str | None = None
    why: str | None = None
    changed_at: AwareDatetime
    updated_at: AwareDatetime | None = None
    occurrences: tuple[Occurrence, ...] = Field(min_length=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """Short and typable, such as `shop_eu/2013-01-02/sync`."""
        return f"{self.subject}/{self.dump_date.isoformat()}/{self.task_id}"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def replay(self) -> str:
        """The command that runs the step again, or what to do where none can."""
        if self.task_id == DAG_IMPORT:
            return "none: correct the file that does not import; the next sweep closes this record"
        return f"{COMMAND} replay {self.id}"

    @property
    def closed(self) -> bool:
        return self.status in CLOSED

    def knows(self, occurrence: Occurrence) -> bool:
        """Whether there is nothing new in it."""
        return any(
            known.key == occurrence.key and known.try_number >= occurrence.try_number for known in self.occurrences
        )

    def absorb(self, other: DeadLetter) -> DeadLetter:
        """This record with what another one of the same step tells; the same again changes nothing.

        An occurrence that is new, and later than the last move of the status, opens the record again.
        """
        merged = self
        for occurrence in other.occurrences:
            merged = merged._with(occurrence, other)
        return merged

    def _with(self, new: Occurrence, teller: DeadLetter) -> DeadLetter:
        known = next((old for old in self.occurrences if old.key == new.key), None)
        if known is not None:
            return self._corrected(known, new)._told(teller)
        same_run = [old.try_number for old in self.occurrences if old.run_id == new.run_id]
        # Airflow counts on after a clear; it begins at 1 again where the run was deleted and made anew.
        before = max((number for number in same_run if number < new.try_number), default=0)
        changes: dict[str, Any] = {
            "occurrences": (*self.occurrences, new)[-_REMEMBERED:],
            "tries": self.tries + new.try_number - before,
            "first_failed_at": min(self.first_failed_at, new.failed_at),
            "last_failed_at": max(self.last_failed_at, new.failed_at),
        }
        if new.failed_at >= self.last_failed_at:
            changes |= {name: getattr(teller, name) for name in _TOLD}
        if new.failed_at > self.changed_at and self.status is not Status.open:
            changes |= {"status": Status.open, "changed_at": new.failed_at, "outcome": "failed again"}
        return self.model_copy(update=changes)

    def _corrected(self, known: Occurrence, new: Occurrence) -> DeadLetter:
        """Another teller may know that there were more tries."""
        more = new.try_number - known.try_number
        if more <= 0:
            return self
        right = known.model_copy(update={"try_number": new.try_number})
        occurrences = tuple(right if old.key == known.key else old for old in self.occurrences)
        return self.model_copy(update={"occurrences": occurrences, "tries": self.tries + more})

    def _told(self, teller: DeadLetter) -> DeadLetter:
        """Fills in what the first teller of the same occurrence did not know."""
        newest = max(self.occurrences, key=lambda occurrence: occurrence.failed_at)
        if newest.key not in {occurrence.key for occurrence in teller.occurrences}:
            return self
        changes = {name: getattr(teller, name) for name in _TOLD if getattr(self, name) is None}
        if self.reason == NOT_REPORTED and teller.reason != NOT_REPORTED:
            changes |= {name: getattr(teller, name) for name in _REASON}
        return self.model_copy(update=changes)

    def replaying(self, at: datetime, by: str | None = None) -> DeadLetter:
        """Its step has been asked to run again, by that person."""
        return self._moved(Status.replaying, at, outcome=None, replayed_by=by)

    def replayed(self, at: datetime) -> DeadLetter:
        """Its step has succeeded since; a closed record stays as it is."""
        return self if self.closed else self._moved(Status.replayed, at, outcome="success")

    def reopened(self, at: datetime, outcome: str) -> DeadLetter:
        """Its replay came to nothing."""
        return self._moved(Status.open, at, outcome=outcome)

    def resolved(self, at: datetime, by: str, why: str) -> DeadLetter:
        """A person says that nothing is left to do."""
        return self._moved(Status.resolved, at, outcome="resolved by hand", resolved_by=by, why=why)

    def _moved(self, status: Status, at: datetime, **changes: str | None) -> DeadLetter:
        if status is self.status:
            return self
        return self.model_copy(update={"status": status, "changed_at": at, **changes})

    def to_json(self) -> str:
        """The object's text."""
        return self.model_dump_json(by_alias=True, indent=2)

    def to_row(self) -> dict[str, Any]:
        """One flat row of plain values: what lists show and `ops.dead_letters` holds."""
        row = self.model_dump(mode="json", exclude={"schema_", "occurrences"})
        return {"id": row.pop("id"), "status": row.pop("status"), **row}


_REASON = ("reason", "code", "message", "kind", "cause", "service", "advice")
_TOLD = (*_REASON, "dag_id", "run_id", "dump_uri", "dump_generation", "log_url")


def subject_of(dag_id: str) -> tuple[str, str | None] | None:
    """`elt__shop_eu` -> (`shop_eu`, `shop_eu`), `consolidate` -> (`consolidate`, None); None for other DAGs."""
    if dag_id == naming.CONSOLIDATE_DAG:
        return naming.CONSOLIDATE_DAG, None
    database = naming.database_of(dag_id)
    return (database, database) if database else None


def object_name(letter_id: str) -> str:
    """The object of a record. Raises TributaryError for what is no id."""
    if not _ID.fullmatch(letter_id):
        raise TributaryError(
            f"found the id {letter_id!r}, expected one such as shop_eu/2013-01-02/sync; `{COMMAND} list` shows them"
        )
    return f"{FOLDER}{letter_id}.json"


def newest_first(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """By the last failure."""
    return sorted(letters, key=lambda letter: (letter.last_failed_at, letter.id), reverse=True)
