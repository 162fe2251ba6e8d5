"""The look around that finds what no callback saw, and closes what has healed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from tributary import naming
from tributary.airflow_api import ACTIVE, TERMINAL
from tributary.dead_letters.reasons import reason_of
from tributary.dead_letters.record import DAG_IMPORT, DeadLetter, Occurrence, Status, subject_of
from tributary.dead_letters.redaction import one_line
from tributary.dead_letters.steps import FailedSteps, day_of_run
from tributary.dead_letters.store import LetterStore

DAYS = 7
# A replay marks the record before it clears the task; a sweep in between must not take that for a failure.
GRACE = timedelta(minutes=5)


@dataclass
class Swept:
    """What a sweep did; `copied` is None where BigQuery did not take the copy."""

    delivered: int = 0
    recorded: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    copied: int | None = None


class Sweep:
    """One look around. It may be repeated, and run beside others, at any time: nothing is done twice."""

    def __init__(self, store: LetterStore, airflow: FailedSteps, now: datetime | None = None) -> None:
        self.store = store
        self.airflow = airflow
        self.now = now or datetime.now(UTC)
        self.done = Swept()
        self._letters: dict[str, DeadLetter] = {}

    def run(self, days: int = DAYS) -> Swept:
        """Look at the failures of the last days, at every file that does not import, and at every open record."""
        self.done.delivered = self.store.deliver()
        self._letters = {letter.id: letter for letter in self.store.bucket.list()}
        try:
            self._record_failed_tasks(days)
            self._record_import_errors()
            self._close_what_has_healed()
            self._reopen_what_came_to_nothing()
        finally:
            # The bucket can be copied without Airflow, too.
            self.done.copied = self.store.copy_missing(list(self._letters.values()))
        return self.done

    def _record_failed_tasks(self, days: int) -> None:
        for task in self.airflow.failed_since(self.now - timedelta(days=days)):
            # A model's task fails only where the one that runs dbt does: that one has the record.
            if subject_of(task["dag_id"]) is None or naming.producer_of(task["task_id"]):
                continue
            run = self.airflow.find_run(task["dag_id"], task["dag_run_id"])
            if run is not None:
                self._record(letter_of_task(task, run, self._log_url(task)))

    def _record_import_errors(self) -> None:
        for error in self.airflow.import_errors():
            letter = letter_of_import_error(error)
            # The same file may be broken for days: one record, of the first of them.
            open_one = next((old for old in self._of_file(letter.subject) if not old.closed), None)
            self._record(letter.model_copy(update={"dump_date": open_one.dump_date}) if open_one else letter)

    def _record(self, letter: DeadLetter) -> None:
        known = self._letters.get(letter.id)
        new = known is None or not all(known.knows(occurrence) for occurrence in letter.occurrences)
        if new:
            known = self._letters[letter.id] = self.store.record(letter)
            self.done.recorded.append(letter.id)
        assert known is not None
        # What failed before it could start keeps the time of its failure before, so the time cannot tell.
        if known.status is Status.replaying and (new or self.now - known.changed_at > GRACE):
            outcome = "failed again" if new else "the replay did not begin"
            self._change(letter.id, lambda found: found.reopened(self.now, outcome))
            self.done.reopened.append(letter.id)

    def _close_what_has_healed(self) -> None:
        broken = {letter_of_import_error(error).subject for error in self.airflow.import_errors()}
        for letter in [letter for letter in self._letters.values() if not letter.closed]:
            healed = letter.subject not in broken if letter.task_id == DAG_IMPORT else self._has_succeeded(letter)
            if healed:
                self._change(letter.id, partial(_closed, seen=letter, now=self.now))
                self.done.closed.append(letter.id)

    def _reopen_what_came_to_nothing(self) -> None:
        """A replay may begin earlier than its step and fail there: the step has not failed then, it was not reached."""
        for letter in list(self._letters.values()):
            waits = letter.status is Status.replaying and self.now - letter.changed_at > GRACE
            outcome = self._vain(letter) if waits else None
            if outcome:
                self._change(letter.id, partial(_reopened, seen=letter, now=self.now, outcome=outcome))
                self.done.reopened.append(letter.id)

    def _vain(self, letter: DeadLetter) -> str | None:
        """What became of a replayed step whose run has ended without its success; None while it may come."""
        if letter.dag_id is None or letter.run_id is None:
            return None
        # The run first: where it is cleared in between, the step is seen to run.
        run = self.airflow.find_run(letter.dag_id, letter.run_id)
        if run is None:
            return "its run is gone"
        task = self.airflow.task(letter.dag_id, letter.run_id, letter.task_id)
        state = task["state"] if task else "gone"
        if run["state"] not in TERMINAL or state == "success" or state in ACTIVE:
            return None
        return "failed again" if state == "failed" else f"not reached, the step is {state}"

    def _has_succeeded(self, letter: DeadLetter) -> bool:
        """In its own run, or because another run has loaded the day since."""
        if letter.dag_id is None or letter.run_id is None:
            return False
        task = self.airflow.task(letter.dag_id, letter.run_id, letter.task_id)
        if task is not None and task["state"] == "success":
            return True
        if task is not None and task["state"] in ACTIVE:
            return False
        return letter.dump_date in self.airflow.succeeded_days(letter.dag_id, letter.last_failed_at)

    def _of_file(self, subject: str) -> list[DeadLetter]:
        return [letter for letter in self._letters.values() if letter.subject == subject]

    def _change(self, letter_id: str, change: Callable[[DeadLetter], DeadLetter]) -> None:
        changed = self.store.bucket.change(letter_id, lambda found: change(found) if found else None)
        if changed is not None:
            self._letters[letter_id] = changed

    def _log_url(self, task: Mapping[str, Any]) -> str:
        return self.airflow.log_url(task["dag_id"], task["dag_run_id"], task["task_id"], task["try_number"])


def _closed(found: DeadLetter, seen: DeadLetter, now: datetime) -> DeadLetter:
    """Closes what has healed, but not what has failed anew since it was seen."""
    anew = found.last_failed_at > seen.last_failed_at
    return found if found.closed or anew else found.replayed(now)


def _reopened(found: DeadLetter, seen: DeadLetter, now: datetime, outcome: str) -> DeadLetter:
    """Opens what was seen in vain, but not what has moved since."""
    same = found.status is Status.replaying and found.changed_at == seen.changed_at
    return found.reopened(now, outcome) if same else found


def letter_of_task(task: Mapping[str, Any], run: Mapping[str, Any], log_url: str) -> DeadLetter:
    """The record of a failed task instance of one of our DAGs, as the REST API tells of it."""
    named = subject_of(task["dag_id"])
    assert named is not None
    failed_at = datetime.fromisoformat(task["end_date"])
    tries = max(int(task["try_number"]), 1)
    return DeadLetter(
        subject=named[0],
        database=named[1],
        dump_date=day_of_run(run),
        task_id=task["task_id"],
        dag_id=task["dag_id"],
        run_id=task["dag_run_id"],
        **reason_of(None),
        tries=tries,
        first_failed_at=failed_at,
        last_failed_at=failed_at,
        changed_at=failed_at,
        log_url=log_url,
        occurrences=(
            Occurrence(key=str(task["id"]), run_id=task["dag_run_id"], try_number=tries, failed_at=failed_at),
        ),
    )


def _error_line(stack_trace: str) -> str:
    """The first line of the error's own text, after the last frame; more may follow, and differ at every look.

    Airflow's "DagBag import timeout for ... after 30.0s" has addresses of its documentation there, and a process id.
    """
    lines = [line for line in stack_trace.strip().splitlines() if line.strip()]
    last_frame = max((number for number, line in enumerate(lines) if line.startswith('  File "')), default=-1)
    own = (line for line in lines[last_frame + 1 :] if not line.startswith((" ", "Traceback")))
    return next(own, lines[-1].strip() if lines else "")


def letter_of_import_error(error: Mapping[str, Any]) -> DeadLetter:
    """The record of a file that does not import; one with the same error is the same occurrence."""
    failed_at = datetime.fromisoformat(error["timestamp"])
    file = PurePosixPath(error["filename"])
    said = _error_line(error["stack_trace"])
    reason, _, words = said.partition(": ")
    message = one_line(f"{file}: {words or said}")
    key = hashlib.sha256(f"{file}\n{message}".encode()).hexdigest()[:32]
    return DeadLetter(
        subject=f"dags.{'.'.join(file.with_suffix('').parts)}",
        dump_date=failed_at.date(),
        task_id=DAG_IMPORT,
        reason=reason.rpartition(".")[2] if reason.replace(".", "").isidentifier() else "ImportError",
        message=message,
        kind="permanent",
        tries=1,
        first_failed_at=failed_at,
        last_failed_at=failed_at,
        changed_at=failed_at,
        occurrences=(Occurrence(key=key, run_id=None, try_number=1, failed_at=failed_at),),
    )
