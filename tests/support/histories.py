"""Histories of one database: its runs, what crashes and people do to them, and what holds whatever they do.

The same histories are played in two worlds: in memory (`tests/unit/memory_world.py`), and with the real
services (`tests/faults/kiosk_world.py`). Both run the pipeline's own operators.
"""

from __future__ import annotations

import random
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

from airflow.sdk.exceptions import AirflowRescheduleException

from tributary.dead_letters.replay import Replay
from tributary.failures import Kind, classify
from tributary.resuming import JobState, OutsideJob

DAYS = ("2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04", "2013-01-05")
OUTSIDE_STEPS = ("import_dump", "sync")
# What may end a step for good in these histories: a dump that is no longer the one that was chosen, a staging
# database that another run has taken since, an import that was ordered to fail.
EXPECTED_FAILURES = ("DumpReplacedError", "NotFound", "StagingTakenError", "ImportRefusedError")
# An error that is tried again because nobody knows what it means.
AIRBYTE_FAILED = "ended failed; Airbyte keeps its log"
# How many halves of moments a try has at most.
MOST_MOMENTS = 15
# More than any sound history needs: who takes part in one has at most a few tries and waits to make.
MANY_ROUNDS = 60

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Dump:
    """What was left in the bucket; no two are alike. `rows` are (id, text, extra)."""

    number: int
    day: str

    @property
    def rows(self) -> Rows:
        ids = range(self.number, self.number + 3 + self.number % 4)
        return [(row, f"line {row} of dump {self.number}", row * 10 + self.number) for row in ids]

    def selected(self, columns: Sequence[str]) -> Rows:
        """The rows as they are to arrive, with these of the columns."""
        places = [("id", "text", "extra").index(column) for column in columns]
        return [tuple(row[place] for place in places) for row in self.rows]


@dataclass
class Run:
    """A run of the database's DAG: the outputs of the steps that are done, and its state as Airflow has it."""

    id: str
    day: str
    done: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    failed: tuple[str, Exception] | None = None


class Killed(BaseException):
    """The process of a task ends here, as under SIGKILL: nothing in between may handle it."""


class Life:
    """Counts the moments of a try, and before or after one of them ends it, or lets something else happen.

    A moment is a call with which the step changes something outside of its process, or waits for it.
    """

    def __init__(self) -> None:
        self.left: int | None = None
        self.then: Callable[[], None] | None = None

    @contextmanager
    def lasts(self, moments: int | None, then: Callable[[], None] | None = None) -> Iterator[None]:
        """Within it, a try lives for so many halves of moments; None: to its end.

        With `then` it lives on, and that is called.
        """
        self.left, self.then = moments, then
        try:
            yield
        finally:
            self.left = None

    def moment(self, name: str, call: Callable[[], Any]) -> Any:
        self._pass(f"before {name}")
        answer = call()
        self._pass(f"after {name}")
        return answer

    def _pass(self, where: str) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            if self.then is None:
                raise Killed(where)
            self.then()

    def watched(self, place: Any, name: str) -> Any:
        """A patch that makes each call of `place.name` a moment; SQL that only reads is none."""
        real = getattr(place, name)

        @wraps(real)
        def call(*arguments: Any, **options: Any) -> Any:
            if options.get("handler"):
                return real(*arguments, **options)
            return self.moment(moment_name(name, arguments, options), lambda: real(*arguments, **options))

        return patch.object(place, name, call)


def moment_name(name: str, arguments: Sequence[Any], options: dict[str, Any]) -> str:
    """What a call does; of SQL the statement, and whether a sync's note is taken back with it."""
    if name != "run":
        return name
    sql = next(word for word in arguments if isinstance(word, str))
    taken_back = "sync_after" in sql and options.get("parameters", [0])[0] is None
    return f"sql {sql.split()[0]}{' whole' * ('set whole' in sql)}{' taken back' * taken_back}"


# Killed there, a step has ended in all but name, and has nothing left to go on with: it is done again.
VERY_END = re.compile(r"after sql update (whole|taken back)")


class World(Protocol):
    """Where a history takes place."""

    life: Life
    states: dict[str, str]

    @property
    def steps(self) -> tuple[str, ...]: ...

    def leave_dump(self, dump: Dump, *, replaces: bool) -> tuple[str, int]:
        """Returns the name and the generation of the object."""

    def try_step(self, step: str, run: Run) -> Any: ...

    def jobs(self, step: str) -> list[OutsideJob]: ...

    def change_contract(self) -> None: ...

    def trouble(self, step: str, *, passing: bool) -> None: ...

    def slow(self, step: str) -> None: ...

    def let_jobs_end(self) -> None: ...

    def calm(self) -> None: ...

    def violations(self, holds: Dump | None, landed: Mapping[str, Dump]) -> list[str]:
        """What is not as it must be, where raw is to hold that dump and these have landed, by day."""


class History:
    """Plays the part of Airflow and of its people, and holds the outcome against the invariants.

    Raises AssertionError with everything that has happened so far.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[Run] = []
        self.dumps: dict[tuple[str, int], Dump] = {}
        self.told: list[str] = []
        # The outside jobs of a step that has not been begun anew since: all but the last have failed.
        self.own_jobs: dict[tuple[str, str], list[str]] = {}
        # The outside jobs of which a step that came to its end has used the work.
        self.used: set[tuple[str, str]] = set()
        # What raw and each day's marts are to hold.
        self.holds: Dump | None = None
        self.landed: dict[str, Dump] = {}

    # What can happen

    def leave_dump(self, day: str, *, replaces: bool) -> None:
        dump = Dump(len(self.dumps) + 1, day)
        self.tell(f"dump {dump.number} for {day}{' in place of the last one' * replaces}")
        self.dumps[self.world.leave_dump(dump, replaces=replaces)] = dump

    def start(self, day: str) -> Run:
        run = Run(f"run_{len(self.runs) + 1}", day)
        self.tell(f"{run.id} begins for {day}")
        self.runs.append(run)
        self._set(run, "running")
        return run

    def try_next(self, run: Run, lives_for: int | None = None, then: Callable[[], None] | None = None) -> bool:
        """One try of the run's next step, with what `Life.lasts` does to it; whether it came further."""
        step = self.next_step(run)
        before = self._job_ids(step)
        if step == self.world.steps[-1]:
            self.landed.pop(run.day, None)
        outcome = "done"
        try:
            with self.world.life.lasts(lives_for, then):
                run.done[step] = self.world.try_step(step, run)
        except Killed as killed:
            outcome = f"killed {killed}"
        except AirflowRescheduleException:
            outcome = "stepped back"
        except AssertionError:
            # What the world does not allow, such as two imports at once.
            self._require(False, f"{run.id} {step}: {traceback.format_exc()}")
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
            self._failed(run, step, error)
        self.tell(f"{run.id} {step}: {outcome}")
        self._count_jobs(run, step, before)
        if VERY_END.search(outcome):
            self.own_jobs.pop((run.id, step), None)
        if outcome == "done":
            self._done(run, step)
        return outcome == "done"

    def go_on(self, run: Run, steps: int) -> None:
        for _ in range(steps):
            if run.state != "running" or not self.try_next(run):
                return

    def clear(self, run: Run, step: str) -> None:
        """Clear a step with everything downstream, as the button in Airflow does.

        The marts are never cleared alone, but with the step before them. A known hole: dbt's own check
        (`check_run.sql`) knows the day that raw holds, not the run. Cleared alone in an old run, the marts
        would be built from another dump of the same day, or from rows that a newer run's sync has brought
        and not marked yet.
        """
        step = "reconcile" if step == "land" else step
        self.tell(f"{run.id} is cleared from {step}")
        for later in self.world.steps[self.world.steps.index(step) :]:
            run.done.pop(later, None)
            self.own_jobs.pop((run.id, later), None)
        run.failed = None
        self._set(run, "running")

    def replay(self, run: Run) -> None:
        """Replay the dead letter of a failed run, from where the pipeline's own command begins."""
        assert run.failed is not None
        step, error = run.failed
        letter: Any = SimpleNamespace(id=run.id, reason=type(error).__name__, task_id=step)
        unused: Any = None
        (begin,) = Replay(unused, unused, print)._beginning(letter, dict.fromkeys(self.world.steps))
        self.clear(run, begin)

    def give_up(self, run: Run) -> None:
        """A person marks the run as failed; what it has begun outside goes on."""
        self.tell(f"{run.id} is marked as failed")
        self._set(run, "failed")

    def change_contract(self) -> None:
        self.tell("the contract changes")
        self.world.change_contract()

    def trouble(self, step: str, *, passing: bool) -> None:
        self.tell(f"the next job of {step} is to fail, {'for a moment' if passing else 'for good'}")
        self.world.trouble(step, passing=passing)

    def slow(self, step: str) -> None:
        self.tell(f"the next job of {step} is to be slow")
        self.world.slow(step)

    # What can be chosen

    def next_step(self, run: Run) -> str:
        return next(step for step in self.world.steps if step not in run.done)

    def active(self) -> list[Run]:
        return [run for run in self.runs if run.state == "running"]

    def ended(self) -> list[Run]:
        return [run for run in self.runs if run.state != "running"]

    def letters(self) -> list[Run]:
        """The runs with a dead letter, which are those with a step that failed for good."""
        return [run for run in self.runs if run.state == "failed" and run.failed]

    def days(self) -> list[str]:
        return sorted({dump.day for dump in self.dumps.values()})

    # How it ends

    def end(self) -> None:
        """Let everything end, heal what failed, load the newest day once more, and look at all that is left."""
        self._settle()
        self.world.calm()
        for _ in range(MANY_ROUNDS):
            if not (letters := self.letters()):
                break
            self.replay(letters[0])
            self._settle()
        for run in self.ended():
            if run.state == "failed":
                self.clear(run, self.world.steps[0])
                self._settle()
        self._require([run.id for run in self.runs if run.state != "success"] == [], "a run has not succeeded")
        if self.dumps:
            self.start(self.days()[-1])
            self._settle()
        self._require(all(job.state is not JobState.unfinished for job in self._all_jobs()), "a job has not ended")
        self._look()

    def _settle(self) -> None:
        for _ in range(MANY_ROUNDS):
            if not self.active():
                return
            for run in self.active():
                self.go_on(run, len(self.world.steps))
            self.world.let_jobs_end()
        self._require(False, "the runs do not come to an end")

    def _set(self, run: Run, state: str) -> None:
        run.state = self.world.states[run.id] = state

    def _done(self, run: Run, step: str) -> None:
        chosen = run.done["find_dump"]
        dump = self.dumps[(chosen["name"], chosen["generation"])]
        if step == "find_dump":
            newest = [left for left in self.dumps.values() if left.day == run.day][-1]
            self._require(dump == newest, f"{run.id} chose {dump}, the newest of its day is {newest}")
        if step in OUTSIDE_STEPS:
            job = (step, str(run.done[step]["operation" if step == "import_dump" else "job_id"]))
            self._require(job not in self.used, f"{run.id} {step} used the work of job {job[1]} again")
            self.used.add(job)
        if step == "sync":
            self.holds = dump
        if step == self.world.steps[-1]:
            self._require(self.holds == dump, f"{run.id} ends with {dump}, but the last sync was of {self.holds}")
            self.landed[run.day] = dump
            self._look()
            self._set(run, "success")

    def _failed(self, run: Run, step: str, error: Exception) -> None:
        failure = classify(error)
        if failure.kind is not Kind.permanent:
            expected = failure.kind is Kind.passing or AIRBYTE_FAILED in str(error)
            self._require(expected, f"{run.id} {step}: {traceback.format_exc()}")
            return
        self._require(type(error).__name__ in EXPECTED_FAILURES, f"{step} failed with {error!r}")
        run.failed = (step, error)
        self._set(run, "failed")

    def _look(self) -> None:
        self._require(not (found := self.world.violations(self.holds, self.landed)), "; ".join(found))

    def _job_ids(self, step: str) -> set[str]:
        return {job.id for job in self.world.jobs(step)} if step in OUTSIDE_STEPS else set()

    def _all_jobs(self) -> list[OutsideJob]:
        return [job for step in OUTSIDE_STEPS for job in self.world.jobs(step)]

    def _count_jobs(self, run: Run, step: str, before: set[str]) -> None:
        """At most one outside job for a dump and step: a further one only after the last one has failed."""
        if not (new := self._job_ids(step) - before):
            return
        own = self.own_jobs.setdefault((run.id, step), [])
        states = {job.id: job.state for job in self.world.jobs(step)}
        self._require(len(new) == 1, f"{step} submitted {len(new)} jobs in one try")
        self._require(
            all(states[job] is JobState.failed for job in own), f"{step} submitted another job beside {own} of its own"
        )
        own.extend(new)
        if step == "import_dump":
            # The staging database is this run's now: whoever had it has to begin again.
            for other, its_step in list(self.own_jobs):
                if other != run.id:
                    del self.own_jobs[(other, its_step)]
            self.own_jobs.pop((run.id, "sync"), None)

    def tell(self, what: str) -> None:
        self.told.append(what)

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError("\n".join([what, "The history:", *self.told]))


class Chance:
    """What happens next, drawn from a seed."""

    def __init__(self, history: History, seed: int) -> None:
        self.history = history
        self.seed = seed
        self.draw = random.Random(seed)

    def play(self) -> None:
        self.history.tell(f"seed {self.seed}")
        self.history.leave_dump(DAYS[0], replaces=False)
        self.history.start(DAYS[0])
        for _ in range(self.draw.randint(5, 12)):
            actions = self._possible()
            self.draw.choices([act for act, _ in actions], [weight for _, weight in actions])[0]()
        self.history.end()

    def _possible(self) -> list[tuple[Callable[[], None], int]]:
        history = self.history
        actions: list[tuple[Callable[[], None], int]] = [(self._dump, 2), (self._contract, 1), (self._trouble, 1)]
        if history.active():
            actions += [(self._go_on, 4), (self._kill, 5), (self._give_up, 1)]
        if len(history.active()) < 3:
            actions += [(self._start, 2)]
        if any(run.done for run in history.runs):
            actions += [(self._clear, 2)]
        if history.ended():
            actions += [(self._repeat, 1)]
        if history.letters():
            actions += [(self._replay, 2)]
        return actions

    def _dump(self) -> None:
        days = self.history.days()
        following = DAYS[min(len(days), len(DAYS) - 1)]
        day = following if self.draw.random() < 0.5 else self.draw.choice(days)
        self.history.leave_dump(day, replaces=self.draw.random() < 0.5)

    def _start(self) -> None:
        """For the newest day, or for an earlier one: a backfill."""
        days = self.history.days()
        self.history.start(days[-1] if self.draw.random() < 0.5 else self.draw.choice(days))

    def _go_on(self) -> None:
        self.history.go_on(self.draw.choice(self.history.active()), self.draw.randint(1, 5))

    def _kill(self) -> None:
        """In a step that the run has come to; outside jobs may be slow, and outlive the try."""
        run = self.draw.choice(self.history.active())
        self.history.go_on(run, self.draw.randint(0, 3))
        if run.state != "running":
            return
        step = self.history.next_step(run)
        if step in OUTSIDE_STEPS and self.draw.random() < 0.4:
            self.history.slow(step)
        self.history.try_next(run, self.draw.randint(0, MOST_MOMENTS))

    def _give_up(self) -> None:
        self.history.give_up(self.draw.choice(self.history.active()))

    def _clear(self) -> None:
        run = self.draw.choice([run for run in self.history.runs if run.done])
        self.history.clear(run, self.draw.choice(list(run.done)))

    def _repeat(self) -> None:
        self.history.clear(self.draw.choice(self.history.ended()), self.history.world.steps[0])

    def _replay(self) -> None:
        self.history.replay(self.draw.choice(self.history.letters()))

    def _contract(self) -> None:
        self.history.change_contract()

    def _trouble(self) -> None:
        self.history.trouble(self.draw.choice(OUTSIDE_STEPS), passing=self.draw.random() < 0.5)
