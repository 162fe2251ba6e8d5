"""What the tokenizer finds in a dump."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """Why a statement cannot be trusted to be read the same way by every client and server."""

    CLIENT_COMMAND = "a backslash command or DELIMITER that the mysql client would execute itself"
    SPLIT_COMMENT = "a statement delimiter inside an executable comment, where clients and servers disagree"
    NESTED_COMMENT = "an executable comment inside another one"
    COMMENT_END_IN_QUOTES = "an end of comment inside quotes inside an executable comment"
    TOO_LONG = "a statement too long to be checked"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment between two statements. Inside a statement comments are dropped.

    `text` is at most the first KiB, from the comment's first sign on, without the line end; `closed` is False
    when the input ended before the comment did (for a line comment: before its line feed). `offset` is its byte
    position in the dump.
    """

    text: bytes
    line: int
    offset: int
    closed: bool

    @property
    def is_command(self) -> bool:
        """Whether MySQL's client runs it, as it does not know the command and ends.

        `/*!999999\\- ...` of MariaDB's programs of May 2024. Since August 2024 they write `/*M!`, a comment to it.
        Source: add_line() in MySQL's client/mysql.cc; https://mariadb.org/mariadb-dump-file-compatibility-change/.
        """
        return self.text.startswith(b"/*!")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a dump, wherever it ends.

    `text` is the statement with comments replaced by a space and executable comments unwrapped; of an INSERT
    or REPLACE it stops after the word VALUES, so that it holds no row. `conditional` are the spans of `text`
    that only some server versions execute. `rows` counts the tuples after VALUES; `literal` says that these
    are nothing but constants. `offset` and `end` are byte positions in the dump, delimiter included;
    `delimited` is False when the dump ended before the statement did. `count` is more than 1 where so many
    statements of the same text, INSERTs of constants, follow each other and are taken together: then `number`
    is that of the first, and `rows`, `offset` and `end` are of all.
    """

    text: bytes
    number: int
    line: int
    offset: int
    end: int
    rows: int
    literal: bool
    delimited: bool
    conditional: tuple[tuple[int, int], ...]
    flaws: tuple[Flaw, ...]
    count: int = 1

    def unconditional(self) -> bytes:
        """`text` as a server reads it that executes none of the conditional parts."""
        kept, done = [], 0
        for start, stop in self.conditional:
            kept.append(self.text[done:start])
            done = stop
        return b"".join((*kept, self.text[done:]))


Token = Comment | Statement
