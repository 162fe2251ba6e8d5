"""The statement that the tokenizer is reading."""

from __future__ import annotations

import re

from tributary.dumps.tokens import Flaw, Statement

# Definitions longer than this are flawed: far above any real CREATE TABLE. Rows do not count.
STATEMENT_BYTES = 1024 * 1024
# Executable comments in one statement: a table may have one for each column, and for each partition.
_EXECUTABLES = 10_000

# From this version on an executable comment is code for some servers in use and a comment for others.
_CONDITIONAL_FROM = 50700

# Bounded, because it is tried at each VALUES: only a made-up dump begins a statement with more white space.
_INSERT = re.compile(rb"\s{0,64}+(?:insert|replace)\b", re.IGNORECASE)
_VALUES = re.compile(rb"\bvalues?\s*\Z", re.IGNORECASE)


class Draft:
    """A statement under construction: its text up to VALUES, then the state of counting its rows."""

    __slots__ = (
        "_conditional",
        "_executable",
        "_executables",
        "_flaws",
        "_is_conditional",
        "depth",
        "in_values",
        "line",
        "literal",
        "number",
        "offset",
        "rows",
        "tail",
        "text",
    )

    def __init__(self, number: int, offset: int, line: int) -> None:
        self.number = number
        self.offset = offset
        self.line = line
        self.text = bytearray()
        self.in_values = False  # after the first bracket behind VALUES
        self.tail = False  # after what follows the last tuple, such as ON DUPLICATE KEY UPDATE
        self.depth = 0  # of brackets, counted in values only
        self.rows = 0
        self.literal = True
        self._flaws: list[Flaw] = []
        self._conditional: list[tuple[int, int]] = []
        self._executable = -1  # where in `text` the open executable comment began
        self._executables = 0
        self._is_conditional = False

    def take(self, run: bytes) -> None:
        """Take a run of text, quoted strings included, in which no sign has a meaning."""
        if self.in_values:
            if not self.depth and not self.tail and run.strip(b" \t\r\n,"):
                self.tail = True
                self.literal = False
            return
        room = STATEMENT_BYTES - len(self.text)
        if len(run) > room:
            self.add_flaw(Flaw.TOO_LONG)
            run = run[:room]
        self.text += run

    def open_bracket(self) -> None:
        """Take a `(` outside quotes and comments."""
        if not self.in_values:
            # The cheap test first: a long definition has many brackets.
            if not (_VALUES.search(self.text, max(0, len(self.text) - 64)) and _INSERT.match(self.text)):
                self.take(b"(")
                return
            self.in_values = True
        if not self.tail:
            self.depth += 1
            if self.depth > 1:
                self.literal = False

    def close_bracket(self) -> None:
        """Take a `)` outside quotes and comments."""
        if not self.in_values:
            self.take(b")")
        elif not self.tail:
            self.depth -= 1
            if self.depth == 0:
                self.rows += 1
            elif self.depth < 0:
                self.depth, self.tail, self.literal = 0, True, False

    @property
    def in_executable(self) -> bool:
        """Whether the text stands inside an executable comment."""
        return self._executable >= 0

    def open_executable(self, is_mariadb: bool, version: bytes | None) -> None:
        """Enter `/*!version` or `/*M!version`."""
        if self.in_executable:
            self.add_flaw(Flaw.NESTED_COMMENT)
        if self.in_values:
            self.literal = False
        self._executables += 1
        if self._executables > _EXECUTABLES:
            self.add_flaw(Flaw.TOO_LONG)
        self.take(b" ")
        self._executable = len(self.text)
        self._is_conditional = is_mariadb or int(version or 0) >= _CONDITIONAL_FROM

    def close_executable(self) -> None:
        """Leave the executable comment."""
        if self._is_conditional and self._executables <= _EXECUTABLES:
            self._conditional.append((self._executable, len(self.text)))
        self._executable = -1
        self.take(b" ")

    def add_flaw(self, flaw: Flaw) -> None:
        """Note that clients and servers may not read the statement as this tokenizer does."""
        if flaw not in self._flaws:
            self._flaws.append(flaw)

    def finish(self, end: int, delimited: bool) -> Statement:
        """The statement, which ends before byte `end` of the dump."""
        if self.in_executable:
            self.add_flaw(Flaw.SPLIT_COMMENT)
        if self._executables and b"*/" in self.text:
            self.add_flaw(Flaw.COMMENT_END_IN_QUOTES)
        return Statement(
            bytes(self.text),
            self.number,
            self.line,
            self.offset,
            end,
            self.rows,
            self.literal and not self.depth,
            delimited,
            tuple(self._conditional),
            tuple(self._flaws),
        )
