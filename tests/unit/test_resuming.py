"""What a try decides, and that any history of crashes ends with one job's work, used once."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tributary.resuming import Action, JobState, OutsideJob, decide

RUNNING, DONE, FAILED = JobState.unfinished, JobState.succeeded, JobState.failed


def jobs(*states: JobState) -> list[OutsideJob]:
    """Newest first."""
    return [OutsideJob(str(len(states) - place), state) for place, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "begun", "action"),
    [
        ([], False, Action.submit),
        ([DONE, FAILED], False, Action.submit),
        ([RUNNING], False, Action.make_way),
        ([DONE, RUNNING], False, Action.make_way),
        ([], True, Action.submit),
        ([RUNNING], True, Action.attach),
        ([DONE], True, Action.adopt),
        ([FAILED], True, Action.submit),
        ([FAILED, DONE], True, Action.submit),
        ([DONE, FAILED], True, Action.adopt),
    ],
)
def test_a_try_decides_by_what_the_service_lists(states: list[JobState], begun: bool, action: Action):
    decision = decide(jobs(*states), begun=begun)
    assert decision.action is action
    assert (decision.job is None) == (action is Action.submit)


class Crashes(RuleBasedStateMachine):
    """A service with a list of jobs, and a step that may die between any two of its moves."""

    def __init__(self) -> None:
        super().__init__()
        self.service: list[JobState] = []
        self.note: int | None = None
        self.used: list[int] = []
        self.of_this_step: list[int] = []

    def newest_first(self) -> list[OutsideJob]:
        since = self.note or 0
        return [
            OutsideJob(str(number), state)
            for number, state in reversed(list(enumerate(self.service, 1)))
            if number > since
        ]

    @rule(dies_after=st.integers(0, 3))
    def try_once(self, dies_after: int) -> None:
        """One try; `dies_after` is the number of moves it lives to make: note, submit, use, take the note back."""
        moves = 0
        decision = decide(self.newest_first(), begun=self.note is not None)
        if decision.action is Action.make_way:
            self.service[int(decision.job.id) - 1] = FAILED  # type: ignore[union-attr]
            return
        if decision.action is Action.submit:
            if moves == dies_after:
                return
            self.note, moves = len(self.service), moves + 1
            if moves == dies_after:
                return
            self.service.append(RUNNING)
            self.of_this_step.append(len(self.service))
            return
        if decision.action is Action.adopt and decision.job:
            if moves == dies_after:
                return
            self.used.append(int(decision.job.id))
            if dies_after > 1:
                self.note = None

    @precondition(lambda self: RUNNING in self.service)
    @rule(state=st.sampled_from([DONE, DONE, FAILED]))
    def service_ends_a_job(self, state: JobState) -> None:
        self.service[self.service.index(RUNNING)] = state

    @precondition(lambda self: RUNNING not in self.service and self.note is None)
    @rule()
    def somebody_else_starts_one(self) -> None:
        self.service.append(RUNNING)

    @invariant()
    def one_job_at_a_time(self) -> None:
        assert self.service.count(RUNNING) <= 1

    @invariant()
    def only_own_and_finished_work_is_used(self) -> None:
        assert set(self.used) <= set(self.of_this_step)
        assert all(self.service[number - 1] is DONE for number in self.used)

    @invariant()
    def nothing_is_submitted_while_work_waits_to_be_used(self) -> None:
        waiting = [n for n in self.of_this_step if self.service[n - 1] is DONE and n not in self.used]
        assert len(waiting) <= 1


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=1000, stateful_step_count=20, deadline=None)
