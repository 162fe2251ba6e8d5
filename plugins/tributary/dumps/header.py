"""What a dump program says about its dump in comments: the header and the completion line."""

from __future__ import annotations

import re
from datetime import date

from tributary.dumps.tokens import Comment

_HOST = re.compile(rb"-- Host: .*?\s+Database:(.*)")
_PROGRAM = re.compile(rb"-- (MySQL|MariaDB) dump ")
_SERVER_VERSION = re.compile(rb"-- Server version\s+(\S+)")
_DATA_OF = re.compile(rb"-- Dumping data for table `(.*)`")
_COMPLETED = re.compile(rb"-- Dump completed(?: on (?P<day>\d{4}-\d\d-\d\d)?.*)?")
_MAX_DATABASES = 100


class Header:
    """The facts in a dump's comments. `databases` has a name for each header, empty for all databases."""

    def __init__(self) -> None:
        self.databases: list[str] = []
        self.server: str | None = None
        self.server_version: str | None = None
        self.completed = False
        self.completed_on: date | None = None

    @property
    def database(self) -> str | None:
        """The database of the first header line."""
        return self.databases[0] if self.databases else None

    def read(self, comment: Comment) -> str | None:
        """Take the next comment between statements; return the table whose data it announces, if it does."""
        # A line without its line feed may have been cut: `-- Dump completed on 2026-11-21  3:5`.
        completed = _COMPLETED.fullmatch(comment.text) if comment.closed else None
        self.completed = completed is not None
        self.completed_on = _day(completed["day"]) if completed else None
        if host := _HOST.fullmatch(comment.text):
            name = _decoded(host[1])
            if name not in self.databases and len(self.databases) < _MAX_DATABASES:
                self.databases.append(name)
        elif program := _PROGRAM.match(comment.text):
            self.server = self.server or _decoded(program[1])
        elif version := _SERVER_VERSION.match(comment.text):
            self.server_version = self.server_version or _decoded(version[1])
        elif data_of := _DATA_OF.fullmatch(comment.text):
            return _decoded(data_of[1]).replace("``", "`")
        return None


def _day(text: bytes | None) -> date | None:
    try:
        return date.fromisoformat(text.decode()) if text else None
    except ValueError:  # a thirteenth month: somebody wrote the line by hand
        return None


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace").strip()
