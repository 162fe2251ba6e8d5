"""A streaming tokenizer for MySQL and MariaDB dumps.

It reads the way the `mysql` client does when it imports: quotes with backslash escapes and doubled quotes,
the kinds of comment, executable comments, DELIMITER. Whole runs of text are skipped by one regular expression
each, and rows of constants by another (`rows.py`), so the speed is that of `re` and not that of Python.
Memory is bounded by two chunks and the longest definition, whatever the size of the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from tributary.dumps.draft import Draft
from tributary.dumps.rows import InsertSkipper, RowSkipper
from tributary.dumps.tokens import Comment, Flaw, Statement, Token

_COMMENT_BYTES = 1024
_DELIMITER_LINE_BYTES = 1024
# Signs that open or end something are shorter than this; near the end of a chunk they wait for the next one.
_LOOKAHEAD = 64

_BLANK = re.compile(rb"\s*+")
_LINE_COMMENT = re.compile(rb"#|--(?=[\x00-\x20]|\Z)")
_EXECUTABLE = re.compile(rb"/\*(M?)!(\d{5,6})?")
# The first line of MariaDB's dumps since 2024, with or without the `M`. For a server it is a comment.
_SANDBOX = re.compile(rb"/\*M?!999999\\- enable the sandbox mode \*/")
_DELIMITER_WORD = re.compile(rb"delimiter(?=\s|\Z)", re.IGNORECASE)
_DELIMITER = re.compile(rb"delimiter[ \t]+([;$/|@^&!%~]{1,16})[ \t\r]*(?:\n|\Z)", re.IGNORECASE)
_IN_QUOTES = {
    b"'": re.compile(rb"[^'\\]*+(?:\\.[^'\\]*+)*+", re.DOTALL),
    b'"': re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL),
    b"`": re.compile(rb"[^`]*+"),
}


@cache
def _run_until_sign(delimiter: bytes) -> re.Pattern[bytes]:
    """A run of text and complete quoted strings, up to the next sign that may mean something.

    It may end before a string that is complete: after so many that a repetition which can be taken back is short.
    Python before 3.11.5, such as Debian 12's, goes on behind a string that does not end in the chunk where a
    possessive repetition meets it. https://github.com/python/cpython/issues/106052
    """
    text = rb"[^" + re.escape(b"'\"`#-/*\\()" + delimiter[:1]) + rb"]*+"
    quoted = rb"""'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+"|`[^`]*+`"""
    return re.compile(text + rb"(?:(?:" + quoted + rb")" + text + rb"){0,255}", re.DOTALL)


def tokenize(chunks: Iterable[bytes]) -> Iterator[Token]:
    """The comments between statements, and the statements, in order, however the text is cut into chunks."""
    tokenizer = Tokenizer()
    for chunk in chunks:
        yield from tokenizer.feed(chunk)
    yield from tokenizer.close()


class Tokenizer:
    """The tokenizer as a parser to push to: `feed` every chunk, then `close` once."""

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0  # in the buffer; what is before it is done
        self._offset = 0  # of the buffer in the dump
        self._line = 1  # at `_counted`, a position in the buffer
        self._counted = 0
        self._final = False
        self._tokens: list[Token] = []
        # A state reads on from `_position`. It returns False when it needs bytes that are not there yet.
        self._state: Callable[[], bool] = self._between
        self._set_delimiter(b";")
        self._statements = 0
        self._draft: Draft | None = None
        self._rows = RowSkipper()
        self._inserts = InsertSkipper()
        self._quote = b""
        self._comment = bytearray()
        self._comment_line = 0
        self._comment_offset = 0

    @property
    def position(self) -> int:
        """How many bytes of the dump are done."""
        return self._offset + self._position

    @property
    def open_statement(self) -> tuple[int, bytes] | None:
        """The offset of the statement that is not at its end yet, and its text so far."""
        return (self._draft.offset, bytes(self._draft.text)) if self._draft else None

    def feed(self, chunk: bytes) -> list[Token]:
        """Take the next bytes; return the tokens that are complete with them."""
        self._line_at(self._position)
        self._offset += self._position
        self._buffer = self._buffer[self._position :] + chunk
        self._position = self._counted = 0
        if self._offset == 0:
            if len(self._buffer) < _LOOKAHEAD and not self._final:
                return []
            if self._buffer.startswith(b"\xef\xbb\xbf"):  # the client skips a byte order mark, too
                self._position = 3
        while self._position < len(self._buffer) and self._state():
            pass
        tokens, self._tokens = self._tokens, []
        return tokens

    def close(self) -> list[Token]:
        """Say that there are no more bytes; return the remaining tokens, also one that is cut off."""
        self._final = True
        tokens = self.feed(b"")
        if self._draft:
            tokens.append(self._draft.finish(self.position, delimited=False))
        elif self._state != self._between:
            tokens.append(Comment(bytes(self._comment), self._comment_line, self._comment_offset, closed=False))
        return tokens

    def _line_at(self, position: int) -> int:
        self._line += self._buffer.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def _too_near_the_end(self, position: int) -> bool:
        return len(self._buffer) - position < _LOOKAHEAD and not self._final

    def _set_delimiter(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._run_until_sign = _run_until_sign(delimiter)

    def _between(self) -> bool:
        """Between two statements."""
        buffer = self._buffer
        blank = _BLANK.match(buffer, self._position)
        position = self._position = blank.end() if blank else self._position
        if position == len(buffer) or self._too_near_the_end(position):
            return False
        if buffer.startswith(self._delimiter, position):
            self._position += len(self._delimiter)
        elif opening := _LINE_COMMENT.match(buffer, position):
            self._open_comment(self._line_comment, opening.end())
        elif sandbox := _SANDBOX.match(buffer, position):
            self._tokens.append(Comment(sandbox.group(), self._line_at(position), self.position, closed=True))
            self._position = sandbox.end()
        elif buffer.startswith(b"/*", position) and not _EXECUTABLE.match(buffer, position):
            self._open_comment(self._block_comment, position + 2)
        elif _DELIMITER_WORD.match(buffer, position):
            return self._delimiter_line()
        elif not self._skip_inserts():
            self._open_statement()
        return True

    def _skip_inserts(self) -> bool:
        """Take statements that are like the last one without looking at each."""
        if self._delimiter != b";":
            return False
        count, end = self._inserts.skip(self._buffer, self._position)
        if count:
            line, offset, number = self._line_at(self._position), self.position, self._statements + 1
            self._statements += count
            self._position = end
            self._tokens.append(
                Statement(self._inserts.text, number, line, offset, self.position, count, True, True, (), (), count)
            )
        return count > 0

    def _delimiter_line(self) -> bool:
        limit = self._position + _DELIMITER_LINE_BYTES
        if self._buffer.find(b"\n", self._position, limit) < 0 and len(self._buffer) < limit and not self._final:
            return False
        line = _DELIMITER.match(self._buffer, self._position)
        if line:
            self._set_delimiter(line.group(1))
            self._position = line.end()
        else:  # no dump program writes such a one: read on as a statement that will be refused
            self._open_statement().add_flaw(Flaw.CLIENT_COMMAND)
        return True

    def _open_statement(self) -> Draft:
        self._statements += 1
        self._draft = Draft(self._statements, self.position, self._line_at(self._position))
        self._state = self._statement
        return self._draft

    def _statement(self) -> bool:
        """In a statement, outside quotes and comments."""
        draft, buffer, position = self._open, self._buffer, self._position
        if draft.in_values and not (draft.depth or draft.tail):
            rows, position = self._rows.skip(buffer, position)
            draft.rows += rows
        run = self._run_until_sign.match(buffer, position)
        end = run.end() if run else position
        draft.take(buffer[position:end])
        self._position = end
        if end == len(buffer):
            return False
        sign = buffer[end : end + 1]
        if sign in _IN_QUOTES:
            self._quote = sign
            self._state = self._quoted
            self._take(1)
            return True
        if self._too_near_the_end(end):
            return False
        if buffer.startswith(self._delimiter, end):
            self._position += len(self._delimiter)
            self._tokens.append(draft.finish(self.position, delimited=True))
            if draft.rows == 1:
                self._inserts.follow(bytes(draft.text))
            self._draft = None
            self._state = self._between
        elif sign == b"(":
            draft.open_bracket()
            self._position += 1
        elif sign == b")":
            draft.close_bracket()
            self._position += 1
        elif opening := _LINE_COMMENT.match(buffer, end):
            self._open_comment(self._line_comment, opening.end())
        elif executable := _EXECUTABLE.match(buffer, end):
            draft.open_executable(bool(executable.group(1)), executable.group(2))
            self._position = executable.end()
        elif buffer.startswith(b"/*", end):
            self._open_comment(self._block_comment, end + 2)
        elif draft.in_executable and buffer.startswith(b"*/", end):
            draft.close_executable()
            self._position += 2
        else:
            if sign == b"\\":
                draft.add_flaw(Flaw.CLIENT_COMMAND)
            self._take(1)
        return True

    @property
    def _open(self) -> Draft:
        if self._draft is None:
            raise RuntimeError("the tokenizer is in a statement's state without a statement")
        return self._draft

    def _take(self, size: int) -> None:
        self._open.take(self._buffer[self._position : self._position + size])
        self._position += size

    def _quoted(self) -> bool:
        """In a quoted string that did not end in the chunk that it began in."""
        inside = _IN_QUOTES[self._quote].match(self._buffer, self._position)
        self._take(inside.end() - self._position if inside else 0)
        if self._buffer.startswith(self._quote, self._position):
            self._take(1)
            self._state = self._statement
            return True
        if self._final:  # all that can be left is the backslash of half an escape
            self._take(len(self._buffer) - self._position)
        return False

    def _open_comment(self, state: Callable[[], bool], end_of_opening: int) -> None:
        if not self._draft:
            self._comment_line = self._line_at(self._position)
            self._comment_offset = self.position
        self._comment = bytearray(self._buffer[self._position : end_of_opening])
        self._position = end_of_opening
        self._state = state

    def _line_comment(self) -> bool:
        """In a comment that the line's end closes."""
        return self._read_comment(b"\n")

    def _block_comment(self) -> bool:
        """In a comment that is not executable."""
        return self._read_comment(b"*/")

    def _read_comment(self, closing: bytes) -> bool:
        end = self._buffer.find(closing, self._position)
        # Of an unfinished one keep what may be the first byte of its end.
        stop = end if end >= 0 else len(self._buffer) - (0 if self._final else len(closing) - 1)
        stop = max(stop, self._position)
        room = _COMMENT_BYTES - len(self._comment)
        self._comment += self._buffer[self._position : min(stop, self._position + max(room, 0))]
        self._position = stop
        if end < 0:
            return False
        self._position += len(closing)
        if self._draft:
            self._draft.take(b" ")
            self._state = self._statement
        else:
            text = bytes(self._comment).rstrip() if closing == b"\n" else bytes(self._comment) + closing
            self._tokens.append(Comment(text, self._comment_line, self._comment_offset, closed=True))
            self._state = self._between
        return True
