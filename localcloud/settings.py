"""Reading the services' configuration from environment variables."""

from __future__ import annotations

import os
from pathlib import Path

HOST = "127.0.0.1"
"""Every service listens on the loopback interface only: none of them is fit for a network."""


class SettingError(SystemExit):
    """A required variable is missing or malformed; ends the process with a readable message."""


def text(name: str, default: str | None = None) -> str:
    """The variable's value, or *default*; raises SettingError when there is neither."""
    value = os.environ.get(name, default)
    if value is None or value == "":
        raise SettingError(f"environment variable {name} is not set; see localcloud/README.md for its meaning")
    return value


def number(name: str, default: int | None = None) -> int:
    """Like `text`, as an integer."""
    value = text(name, None if default is None else str(default))
    try:
        return int(value)
    except ValueError:
        raise SettingError(f"environment variable {name}: expected an integer, found {value!r}") from None


def state_dir(*parts: str) -> Path:
    """A directory below LOCALCLOUD_STATE_DIR, absolute, created when missing."""
    path = Path(text("LOCALCLOUD_STATE_DIR")).resolve().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
