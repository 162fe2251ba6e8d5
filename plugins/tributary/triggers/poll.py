"""One trigger for every wait: it asks a function again and again until it has an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from time import monotonic
from typing import Any, TypeVar

from airflow.sdk.module_loading import import_string
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from tributary.failures import Kind, classify, described
from tributary.hooks.patience import without_patience

# A service may be away for a while without harm to what it is doing for us: with polls every 20 s
# for nine minutes, and never for longer than FAILED_POLLS_IN_A_ROW times the longest wait.
FAILED_POLLS_IN_A_ROW = 10
LONGEST_WAIT_SECONDS = 60.0
# The first looks come soon, since most jobs are small, and the pauses grow with what was waited already. But not at
# once: a trigger that fires before the scheduler has seen the deferral makes it take the task for failed.
FIRST_PAUSE_SECONDS = 3.0
SHORTEST_PAUSE_SECONDS = 1.0
PART_OF_WAIT = 0.02
# Airbyte's client takes two seconds to import, for which the loop would look at nothing else. One thread, as Python
# gives out modules that are half imported where two threads' imports wait for each other.
_IMPORTS = ThreadPoolExecutor(1, thread_name_prefix="imports")
# For each function that is polled. A poll takes ANSWER_SECONDS at most where its service is away, and comes every
# LONGEST_WAIT_SECONDS then: so this is enough for three times as many waits, and a bound for the triggerer.
THREADS = 8

T = TypeVar("T")
log = logging.getLogger(__name__)


class PollTrigger(BaseTrigger):
    """Calls `function(**arguments)` until it returns something but None: soon, then every `interval` seconds at most.

    The answer is the event's payload. A call that raises is tried again, at growing intervals; after
    FAILED_POLLS_IN_A_ROW of them, or at once where trying again cannot mend the error, the event is
    `{"status": "error", "message": ...}` with the error's class, words and meaning. How long a task
    waits in all is the deferral's `timeout`.

    :param function: dotted path of a module-level function that returns None or JSON-able data.
    """

    def __init__(self, function: str, arguments: dict[str, Any], interval: float) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "tributary.triggers.poll.PollTrigger",
            {"function": self.function, "arguments": self.arguments, "interval": self.interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        begun = monotonic()
        ask = await sync_to_async(import_string, thread_sensitive=False, executor=_IMPORTS)(self.function)
        while True:
            # First wait, then ask: the task has just asked, or just begun something.
            await asyncio.sleep(pause(monotonic() - begun, self.interval))
            try:
                answer = await patiently(ask, self.interval, **self.arguments)
            except Exception as error:  # noqa: BLE001 - the task has to hear of whatever ended the wait
                answer = {"status": "error", "message": f"the wait was given up: {described(error)}"}
            if answer is not None:
                yield TriggerEvent(answer)
                return


def pause(waited: float, longest: float) -> float:
    """Seconds until the next look after so many seconds of waiting: a fiftieth of them, and never above `longest`.

    At least FIRST_PAUSE_SECONDS before the first look, and SHORTEST_PAUSE_SECONDS between two.
    """
    shortest = SHORTEST_PAUSE_SECONDS if waited >= FIRST_PAUSE_SECONDS else FIRST_PAUSE_SECONDS
    return min(longest, max(shortest, waited * PART_OF_WAIT))


async def patiently(ask: Callable[..., T], interval: float, **arguments: Any) -> T:
    """What `ask(**arguments)` answers, in a thread; what one call meets, the next may not, unless it is permanent.

    :raises Exception: what the last of FAILED_POLLS_IN_A_ROW calls raised, or the first that trying again cannot mend.
    """
    # Not in the one thread that asgiref has for everything: a service that hangs would stop the waits for all
    # others. Threads are safe here: a polled function makes its own clients, and what it asks of Airflow
    # (connections, states of tasks and runs) the triggerer's channel takes from any thread.
    name = f"{ask.__module__}.{ask.__qualname__}"
    in_thread = sync_to_async(ask, thread_sensitive=False, executor=_threads(name))
    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        stop=stop_after_attempt(FAILED_POLLS_IN_A_ROW),
        wait=wait_exponential_jitter(initial=interval, max=LONGEST_WAIT_SECONDS, jitter=interval),
        retry=retry_if_exception(_may_pass),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    # The loop here is the retry. A call that waits by itself would hold a thread, and this wait with it.
    with without_patience():
        return await retrying(in_thread, **arguments)


@cache
def _threads(function: str) -> ThreadPoolExecutor:
    """The threads for one polled function, so one service: those of another are never waited for."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix=function)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Exception) and classify(error).kind is not Kind.permanent


def poll_with(function: Any, interval: float, **arguments: Any) -> PollTrigger:
    """A PollTrigger for a module-level function."""
    return PollTrigger(f"{function.__module__}.{function.__qualname__}", arguments, interval)
