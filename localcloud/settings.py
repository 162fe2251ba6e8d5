"""Reading the services' configuration from environment variables."""

from __future__ import annotations

import os
from pathlib import Path

LOOPBACK = "127.0.0.1"
HOST = os.environ.get("LOCALCLOUD_BIND") or LOOPBACK
"""Where every service listens: on the loopback interface, since none of them is fit for a network. In a container,
whose loopback is its own, LOCALCLOUD_BIND says otherwise; the container's network is closed instead."""

CLIENTS = LOOPBACK if HOST == LOOPBACK else "%"
"""Where the clients of the MySQL servers come from, as accounts name it."""


class SettingError(SystemExit):
    """A required variable is missing or malformed; ends the process with a readable message."""


def text(name: str, default: str | None = None) -> str:
    """The variable's value, that of the file which *name*_FILE names, or *default*; SettingError when there is none."""
    value = os.environ.get(name) or _from_file(f"{name}_FILE") or default
    if value is None or value == "":
        raise SettingError(f"environment variable {name} is not set; see localcloud/README.md for its meaning")
    return value


def _from_file(variable: str) -> str | None:
    file = os.environ.get(variable)
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\n") if file else None
    except OSError as error:
        raise SettingError(f"environment variable {variable}: {error}; expected a file with the value") from None


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
