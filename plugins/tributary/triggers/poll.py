"""One trigger for every wait: it asks a function again and again until it has an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk.module_loading import import_string
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

# A service may be away for a while without harm to what it is doing for us.
FAILED_POLLS_IN_A_ROW = 10


class PollTrigger(BaseTrigger):
    """Calls `function(**arguments)` every `interval` seconds until it returns something but None.

    The answer is the event's payload. A call that raises is tried again; after
    FAILED_POLLS_IN_A_ROW of them the event is `{"status": "error", "message": ...}`. How long
    a task waits in all is the deferral's `timeout`.

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
        # sync_to_async, not a thread of our own: Airflow's connections are read over a channel
        # that belongs to the triggerer's event loop, and only asgiref finds the way back to it.
        ask = sync_to_async(import_string(self.function))
        failures = 0
        while True:
            # First wait, then ask: the task has just asked or just begun something, and a trigger
            # that fires before the scheduler has seen the deferral makes it take the task for failed.
            await asyncio.sleep(self.interval)
            try:
                answer = await ask(**self.arguments)
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever a poll meets, the next one may not
                answer = None
                failures += 1
                self.log.warning("poll failed (%d in a row): %s", failures, error)
                if failures >= FAILED_POLLS_IN_A_ROW:
                    yield TriggerEvent({"status": "error", "message": f"{failures} polls failed; the last: {error}"})
                    return
            if answer is not None:
                yield TriggerEvent(answer)
                return


def poll_with(function: Any, interval: float, **arguments: Any) -> PollTrigger:
    """A PollTrigger for a module-level function."""
    return PollTrigger(f"{function.__module__}.{function.__qualname__}", arguments, interval)
