"""Rides out passing errors inside a call, so that a hiccup of a service costs no try of a task.

For short calls that may be repeated: reads, and requests that change nothing when they come twice. A
submission is none of them; after one the task's next try looks first whether it arrived.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from tributary.failures import Kind, classify

# Three waits of 1, 2 and 4 s, each with up to a second more. After CALL_SECONDS no further attempt
# begins, so a call takes at most that and one attempt's own limit.
CALL_ATTEMPTS = 4
CALL_SECONDS = 30.0
# How long a request may take for a caller that asks again by itself. Longer than any that a poll makes needs.
ANSWER_SECONDS = 20.0
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 1.0, 8.0, 1.0

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)
_patient: ContextVar[bool] = ContextVar("patient", default=True)


def riding_out(call: Callable[P, R]) -> Callable[P, R]:
    """The same function, tried again while it meets errors that are known to pass.

    A permanent or unknown error passes through at once, and so does the last of CALL_ATTEMPTS, each as
    it was raised. Without patience (see below) it is the function as it is.
    """

    @wraps(call)
    def patient(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_patient():
            return call(*args, **kwargs)
        retrying = Retrying(
            stop=stop_after_attempt(CALL_ATTEMPTS) | stop_after_delay(CALL_SECONDS),
            wait=wait_exponential_jitter(initial=_FIRST_WAIT, max=_LONGEST_WAIT, jitter=_JITTER),
            retry=retry_if_exception(_passes),
            before_sleep=before_sleep_log(log, logging.WARNING),
            reraise=True,
        )
        return retrying(call, *args, **kwargs)

    return patient


def is_patient() -> bool:
    """Whether a call may take its time: False within `without_patience`.

    There, what a library would repeat by itself has to be asked once, for at most ANSWER_SECONDS.
    """
    return _patient.get()


@contextmanager
def without_patience() -> Iterator[None]:
    """Within it no call waits: for a caller that tries again by itself and must not be held up."""
    token = _patient.set(False)
    try:
        yield
    finally:
        _patient.reset(token)


def _passes(error: BaseException) -> bool:
    return isinstance(error, Exception) and classify(error).kind is Kind.passing
