"""The time in production, for the question which day's data should be there by now.

That is the real time, except where production is a simulation with a calendar of its own: the variable
TRIBUTARY_CLOCK_FILE then names a file with production's time when the file was written.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tributary.errors import TributaryError

VARIABLE = "TRIBUTARY_CLOCK_FILE"
# A simulated day lasts until the next one is let pass: its clock must not run into that one by itself.
LONGEST = timedelta(hours=20)


def now() -> datetime:
    """Production's time (UTC). Where its file is not there, or no variable names one, the real time.

    From the time in the file it goes on at real speed, for at most LONGEST. Raises TributaryError where the
    file holds no time.
    """
    real = datetime.now(UTC)
    path = os.environ.get(VARIABLE)
    if not path:
        return real
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
        written = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
    except FileNotFoundError:
        return real
    return _time_in(text, path) + min(max(real - written, timedelta(0)), LONGEST)


def _time_in(text: str, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise TributaryError(f"{path} ({VARIABLE}): found {text!r:.80}, expected a time such as 2013-01-31T02:00:00Z")
    return moment.astimezone(UTC)
