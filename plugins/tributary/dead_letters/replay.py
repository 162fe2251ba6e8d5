"""Having failed steps run again, and saying what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tributary import naming
from tributary.airflow_api import ACTIVE, TERMINAL
from tributary.dead_letters.record import DAG_IMPORT, DeadLetter, Status, subject_of
from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.errors import TributaryError

POLL_SECONDS = 2.0
# dbt builds its models in one process: a part of the group cannot run by itself.
GROUP = "transform."
# Where a failed step and its reason ("" is any) have to begin: earlier, because the step takes a decision of
# an earlier one as given, or because the same rows compared again would differ again.
_BEGINS_AT = {
    ("preflight", ""): "find_dump",
    ("", "DumpReplacedError"): "find_dump",
    ("", "SchemaDriftError"): "find_dump",
    ("", "ImportRefusedError"): "find_dump",
    ("", "PlanOutdatedError"): "await_databases",
    ("", "StagingTakenError"): "import_dump",
    ("", "RawTakenError"): "import_dump",
    ("reconcile", "StageMismatchError"): "import_dump",
    ("validate_marts", "StageMismatchError"): f"{GROUP}{naming.DBT_PRODUCER}",
    ("publish", "StageMismatchError"): "await_databases",
}

Run = tuple[str, str]


class Replay:
    """Clears the failed steps of records, run by run.

    :param begin: task to begin at, instead of the step itself.
    :param say: is told what happens, one line each.
    :param by: the person who asks for it; the records keep it.
    """

    def __init__(
        self,
        store: LetterStore,
        airflow: FailedSteps,
        say: Callable[[str], None],
        begin: str | None = None,
        by: str | None = None,
    ) -> None:
        self.store = store
        self.airflow = airflow
        self.say = say
        self.begin = begin
        self.by = by

    def start(self, letters: Iterable[DeadLetter]) -> tuple[list[Run], bool]:
        """Start what can be started: the runs that are under way now, and whether that was everything."""
        runs: dict[Run, list[DeadLetter]] = {}
        well = True
        for letter in letters:
            if letter.task_id == DAG_IMPORT or letter.dag_id is None or letter.run_id is None:
                self.say(f"{letter.id} cannot be run again: {letter.message}. {letter.replay}")
                well = False
            else:
                runs.setdefault((letter.dag_id, letter.run_id), []).append(letter)
        started = []
        for run, of_run in runs.items():
            outcome = self._start_run(run, of_run)
            well = well and outcome is not None
            started += [run] if outcome else []
        return started, well

    def wait(self, runs: Iterable[Run]) -> bool:
        """Wait for the end of the runs and record what came of it; whether every record could be closed."""
        well = True
        for dag_id, run_id in runs:
            while (state := self.airflow.run(dag_id, run_id)["state"]) not in TERMINAL:
                time.sleep(POLL_SECONDS)
            ids = [letter.id for letter in self._open_of_run((dag_id, run_id))]
            settle = partial(_settled, tasks=self.airflow.tasks_of(dag_id, run_id))
            for letter in self.store.change(ids, settle):
                self.say(f"{letter.id}: {letter.status.value}, {letter.outcome or letter.reason}")
                well = well and letter.closed
            self.say(f"{dag_id} {run_id}: {state}")
            well = well and state == "success"
        return well

    def _start_run(self, run: Run, letters: Sequence[DeadLetter]) -> bool | None:
        """True where the run is under way, False where it need not be, None where it cannot be."""
        dag_id, run_id = run
        tasks = self.airflow.tasks_of(dag_id, run_id)
        if not tasks:
            days = {letter.dump_date.isoformat(): letter for letter in letters}
            for day, letter in days.items():
                only = f" --database {letter.database}" if letter.database else ""
                self.say(f"{letter.id}: its run {run_id} is gone; `tributary run --date {day}{only}` makes a new one")
            return None
        failed = [letter for letter in letters if _state(tasks, letter) != "success"]
        healed = [letter.id for letter in letters if letter not in failed]
        for letter in self.store.change(healed, lambda found: found.replayed(_now())):
            self.say(f"{letter.id} has succeeded since; closed")
        if not failed:
            return False
        if any(_state(tasks, letter) in ACTIVE for letter in failed):
            self.store.change([letter.id for letter in failed], lambda found: found.replaying(_now(), self.by))
            self.say(f"{dag_id} {run_id} is running again already")
            return True
        self._clear(run, failed, tasks)
        return True

    def _clear(self, run: Run, failed: Sequence[DeadLetter], tasks: Mapping[str, Any]) -> None:
        dag_id, run_id = run
        beginning = sorted({task for letter in failed for task in self._beginning(letter, tasks)})
        planned = self.airflow.clear(dag_id, run_id, beginning, dry_run=True)
        ids = [letter.id for letter in self._open_of_run(run) if letter.task_id in planned]
        # Marked before it begins: a step that fails at once must find its record so, to open it again.
        before = _now()
        self.store.change(ids, lambda found: found.replaying(before, self.by))
        try:
            self.airflow.clear(dag_id, run_id, beginning, dry_run=False)
        except TributaryError:
            self.store.change(ids, lambda found: _back(found, before))
            raise
        for letter_id in ids:
            self.say(f"{letter_id}: runs again, from {', '.join(beginning)}")
        self.say(f"{self.airflow.url}/dags/{dag_id}/runs/{run_id}")

    def _beginning(self, letter: DeadLetter, tasks: Mapping[str, Any]) -> list[str]:
        known = ((letter.task_id, letter.reason), ("", letter.reason), (letter.task_id, ""))
        begin = self.begin or next((_BEGINS_AT[key] for key in known if key in _BEGINS_AT), letter.task_id)
        if begin not in tasks:
            raise TributaryError(
                f"{letter.id}: its run has no task {begin!r}; it has {', '.join(sorted(tasks))}. See --from."
            )
        return [task for task in tasks if task.startswith(GROUP)] if begin.startswith(GROUP) else [begin]

    def _open_of_run(self, run: Run) -> list[DeadLetter]:
        named = subject_of(run[0])
        of_dag = self.store.bucket.list(named[0], closed=False) if named else []
        return [letter for letter in of_dag if (letter.dag_id, letter.run_id) == run]


def _state(tasks: Mapping[str, Any], letter: DeadLetter) -> str | None:
    task = tasks.get(letter.task_id)
    return task["state"] if task else None


def _settled(letter: DeadLetter, tasks: Mapping[str, Any]) -> DeadLetter:
    """What the end of its run means for a record; the callback of a new failure may have been quicker."""
    state = _state(tasks, letter)
    if letter.closed:
        return letter
    if state == "success":
        return letter.replayed(_now())
    if letter.status is Status.replaying:
        outcome = "failed again" if state == "failed" else f"not reached, the step is {state}"
        return letter.reopened(_now(), outcome)
    return letter


def _back(letter: DeadLetter, before: datetime) -> DeadLetter:
    if letter.status is Status.replaying and letter.changed_at == before:
        return letter.reopened(_now(), "the replay did not begin")
    return letter


def _now() -> datetime:
    return datetime.now(UTC)
