"""Counting rows at the speed of the `re` module: those of an extended INSERT, and INSERTs of one row each."""

from __future__ import annotations

import re

# One tuple of constants. Outside quotes nothing is let through that could mean more than a constant, such as a
# bracket, comment or delimiter: that is for the tokenizer. `_TIGHT` is what dump programs write: no white space
# inside. `_BINARY` is the same, but for `_binary '...'`, which costs time. `_LOOSE` is what people write. Only runs of
# one kind of sign are possessive: see `tokenizer._run_until_sign`.
_SIGNS = rb"'\"`()#/\\;$|@^&!%~"
_TIGHT = rb"\([^SIGNS\x00- ]*+(?:'[^']*+'[^SIGNS\x00- ]*+)*\)".replace(b"SIGNS", _SIGNS)
_BINARY = rb"\([^SIGNS\x00- ]*+(?:(?:'| (?<=_binary )')[^']*+'[^SIGNS\x00- ]*+)*\)".replace(b"SIGNS", _SIGNS)
_LOOSE = rb"\([^SIGNS-]*+(?:(?:-(?!-)|'[^']*+')[^SIGNS-]*+)*\)".replace(b"SIGNS", _SIGNS)
# So many tuples are taken at once: a quarter of the time is that of `re` for one match more.
_AT_ONCE = 8
# A comma and a tuple, so many times; or else all the rest of the block.
_KINDS = tuple(
    tuple((times, re.compile((rb"\s*+,\s*+" + row) * times + rb"|(.+)", re.DOTALL)) for times in (_AT_ONCE, 1))
    for row in (_TIGHT, _BINARY, _LOOSE)
)
_ESCAPE = re.compile(rb"\\[\\']")
_NEXT = re.compile(rb"\s*,")
_SMALLEST, _LARGEST = 4 * 1024, 256 * 1024


class RowSkipper:
    """Skips whole tuples of constants. Adapts its pattern and its reach to what it meets."""

    def __init__(self) -> None:
        self._kind = 0  # which of the patterns fits
        self._reach = _SMALLEST

    def skip(self, buffer: bytes, position: int) -> tuple[int, int]:
        """Count the complete `,(...)` tuples that follow each other from `position` on, outside all quotes.

        Returns their number and the position after the last of them. Both may fall short of what is there.
        """
        rows = 0
        while _NEXT.match(buffer, position):
            block = _without_escapes(buffer[position : position + self._reach])
            rest = len(block)
            for times, pattern in _KINDS[self._kind]:
                found = pattern.findall(block, len(block) - rest)
                rest = len(found.pop()) if found and found[-1] else 0
                rows += len(found) * times
            position += len(block) - rest
            if rest == len(block) == self._reach:
                self._kind = (self._kind + 1) % len(_KINDS)
            if rest > len(block) // 2:
                self._reach = max(_SMALLEST, self._reach // 2)
                break
            self._reach = min(_LARGEST, self._reach * 2)
        return rows, position


# An INSERT up to its rows as dump programs write it: in no other reading can a comment or a string begin in it.
_NAME = rb"`[^`\\]+`"
_PLAIN_INSERT = re.compile(
    rb"(?:INSERT|REPLACE) +(?:IGNORE +)?INTO +NAME *(?:\(NAME(?:, ?NAME)*+\) *)?VALUES *".replace(b"NAME", _NAME)
)
_ROW_AND_END = re.compile(rb"(" + _BINARY + rb";)\s*+")


class InsertSkipper:
    """Skips whole INSERTs of one row that begin alike, as `--skip-extended-insert` writes them."""

    def __init__(self) -> None:
        self.text = b""
        self._is_plain = False
        self._reach = _SMALLEST

    def follow(self, text: bytes) -> None:
        """Skip INSERTs that begin with `text` from now on: the text of a statement, up to and with VALUES."""
        if text != self.text:
            self.text = text
            self._is_plain = _PLAIN_INSERT.fullmatch(text) is not None
            self._reach = _SMALLEST

    def skip(self, buffer: bytes, position: int) -> tuple[int, int]:
        """Count the complete INSERTs that follow each other from `position` on, between two statements.

        The delimiter must be `;`. Returns their number and the position after the last of them. Both may fall
        short of what is there.
        """
        if not self._is_plain:
            return 0, position
        text, length, count, stop = self.text, len(self.text), 0, position
        while buffer.startswith(text, position):
            block = _without_escapes(buffer[position : position + self._reach])
            end = 0
            while block.startswith(text, end) and (row := _ROW_AND_END.match(block, end + length)):
                end = row.end()
                stop = position + row.end(1)
                count += 1
            position += end
            if end < len(block) // 2:
                self._reach = max(_SMALLEST, self._reach // 2)
                break
            self._reach = min(_LARGEST, self._reach * 2)
        return count, stop


def _without_escapes(block: bytes) -> bytes:
    r"""The block with quotes only where strings end; it begins outside all quotes.

    `#` stands for the escapes because it is not let through outside quotes. Pairs of backslashes are taken
    together: in `\\'` the quote is not escaped.
    """
    return _ESCAPE.sub(b"##", block) if b"\\" in block else block
