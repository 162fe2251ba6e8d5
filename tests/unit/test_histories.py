"""Whatever crashes and people do to a database's runs, its rows are those of one dump, by one job a step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support.histories import DAYS, MOST_MOMENTS, OUTSIDE_STEPS, Chance, History, Run
from tests.unit.memory_world import MemoryWorld

some = st.integers(0, 11)


class Histories(RuleBasedStateMachine):
    """A database whose dumps are left, loaded and loaded again, by runs that are killed, cleared and given up."""

    def __init__(self) -> None:
        super().__init__()
        self.world = MemoryWorld()
        self.history = History(self.world)

    @initialize(reads_late=st.booleans())
    def first_day(self, reads_late: bool) -> None:
        self.world.reads_late = reads_late
        self.history.leave_dump(DAYS[0], replaces=False)
        self.history.start(DAYS[0])

    @rule(later=st.booleans(), which=some, replaces=st.booleans())
    def a_dump_is_left(self, later: bool, which: int, replaces: bool) -> None:
        days = self.history.days()
        new = DAYS[min(len(days), len(DAYS) - 1)]
        self.history.leave_dump(new if later else days[which % len(days)], replaces=replaces)

    @rule(which=some)
    def a_run_begins(self, which: int) -> None:
        """For the newest day, or for an earlier one: a backfill."""
        days = self.history.days()[::-1]
        self.history.start(days[which % len(days)])

    @precondition(lambda self: self.history.active())
    @rule(which=some, steps=st.integers(1, 6))
    def a_run_goes_on(self, which: int, steps: int) -> None:
        self.history.go_on(pick(self.history.active(), which), steps)

    @precondition(lambda self: self.history.active())
    @rule(which=some, steps=st.integers(0, 3), lives_for=st.integers(0, MOST_MOMENTS))
    def a_try_is_killed(self, which: int, steps: int, lives_for: int) -> None:
        run = pick(self.history.active(), which)
        self.history.go_on(run, steps)
        if run.state == "running":
            self.history.try_next(run, lives_for)

    @precondition(lambda self: self.history.active())
    @rule(which=some, steps=st.integers(0, 3), moments=st.integers(0, MOST_MOMENTS))
    def a_dump_is_replaced_during_a_try(self, which: int, steps: int, moments: int) -> None:
        replace_during_try(self.history, pick(self.history.active(), which), steps, moments)

    @rule(which=some, step=some)
    def a_step_is_cleared(self, which: int, step: int) -> None:
        run = pick(self.history.runs, which)
        if run.done:
            self.history.clear(run, pick(list(run.done), step))

    @precondition(lambda self: self.history.ended())
    @rule(which=some)
    def a_run_is_repeated(self, which: int) -> None:
        self.history.clear(pick(self.history.ended(), which), self.world.steps[0])

    @precondition(lambda self: self.history.letters())
    @rule(which=some)
    def a_dead_letter_is_replayed(self, which: int) -> None:
        self.history.replay(pick(self.history.letters(), which))

    @precondition(lambda self: self.history.active())
    @rule(which=some)
    def a_run_is_given_up(self, which: int) -> None:
        self.history.give_up(pick(self.history.active(), which))

    @rule(what=st.sampled_from(["contract", "end", *OUTSIDE_STEPS]), passing=st.booleans())
    def something_else_happens(self, what: str, passing: bool) -> None:
        """The contract changes, jobs that nobody waits for end, or the next job is to fail."""
        if what == "contract":
            self.history.change_contract()
        elif what == "end":
            self.world.let_jobs_end()
        else:
            self.history.trouble(what, passing=passing)

    def teardown(self) -> None:
        try:
            self.history.end()
        finally:
            self.world.close()


def replace_during_try(history: History, run: Run, steps: int, moments: int) -> None:
    """The run goes on, and during its next try its day's dump is replaced."""
    history.go_on(run, steps)
    if run.state == "running":
        history.try_next(run, moments, lambda: history.leave_dump(run.day, replaces=True))


class ChanceInMemory(Chance):
    """Here a moment costs nothing, so that more can happen at each of them."""

    def _possible(self) -> list[tuple[Callable[[], None], int]]:
        return [*super()._possible(), *([(self._replace_during_try, 3)] if self.history.active() else [])]

    def _replace_during_try(self) -> None:
        run, draw = self.draw.choice(self.history.active()), self.draw
        replace_during_try(self.history, run, draw.randint(0, 3), draw.randint(0, MOST_MOMENTS))


def pick(items: list[Any], which: int) -> Any:
    return items[which % len(items)]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("reads_late", [False, True], ids=["jobs read first", "jobs read last"])
def test_a_thousand_histories_by_their_seeds(reads_late: bool):
    """The generator of `tests/faults/test_histories.py`; the seed stands in the error of a history that fails."""
    first = int(os.environ.get("TRIBUTARY_FAULTS_SEED", "0"))
    for seed in range(first, first + 500):
        world = MemoryWorld()
        world.reads_late = reads_late
        try:
            ChanceInMemory(History(world), seed).play()
        finally:
            world.close()
