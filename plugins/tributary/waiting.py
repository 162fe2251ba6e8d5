"""A short look before a long wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

# Small jobs are over by then. To defer costs more: a trigger, a second process for the task, and five seconds until it
# goes on. Large jobs take minutes, for which a worker's slot is worth freeing.
SHORT_LOOK_SECONDS = 8.0
_BETWEEN_SECONDS = 0.5


def look_shortly(ask: Callable[..., dict[str, Any] | None], **arguments: Any) -> dict[str, Any] | None:
    """The answer of `ask(**arguments)`, if it comes within SHORT_LOOK_SECONDS; None otherwise.

    For a job that was submitted just now. What `ask` raises passes through.
    """
    end = time.monotonic() + SHORT_LOOK_SECONDS
    while True:
        answer = ask(**arguments)
        if answer is not None or time.monotonic() > end:
            return answer
        time.sleep(_BETWEEN_SECONDS)
