"""Going on with an outside job after a crash, instead of starting a second one. Pure.

A step that has another service work for it (an import, a sync) can die at any moment, also between
the submission and the moment when the job's id is saved. So it never relies on a saved id:

1. before it submits, it notes durably which job was the newest then (it has *begun*);
2. whatever the service lists as newer is the step's own;
3. when the work is done and used, the note is taken back.

With that, `decide` says what a try has to do, whatever happened to the tries before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """How far an outside job is; services have more words for it."""

    unfinished = "unfinished"
    succeeded = "succeeded"
    failed = "failed"


@dataclass(frozen=True)
class OutsideJob:
    """A job as the service lists it. A cancelled one has failed."""

    id: str
    state: JobState


class Action(StrEnum):
    """What a try has to do."""

    submit = "submit"  # note the newest job, then submit
    attach = "attach"  # wait for a job that this step submitted
    adopt = "adopt"  # use the outcome of a job that this step submitted
    make_way = "make way"  # a job that is not this step's is in the way


@dataclass(frozen=True)
class Decision:
    """An action, and the job that it is about."""

    action: Action
    job: OutsideJob | None = None


def decide(jobs: Sequence[OutsideJob], *, begun: bool) -> Decision:
    """What to do next.

    :param jobs: newest first; where the step has begun only those that are newer than its note,
        else all that work on the same thing.
    :param begun: whether this step of this run has noted the newest job and not taken the note back.
    """
    if not begun:
        foreign = next((job for job in jobs if job.state is JobState.unfinished), None)
        return Decision(Action.make_way, foreign) if foreign else Decision(Action.submit)
    if not jobs or jobs[0].state is JobState.failed:
        return Decision(Action.submit)
    action = Action.attach if jobs[0].state is JobState.unfinished else Action.adopt
    return Decision(action, jobs[0])
