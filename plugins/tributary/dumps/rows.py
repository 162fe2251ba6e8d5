"""Counting the rows of an extended INSERT at the speed of the `re` module."""

from __future__ import annotations

import re

# A comma and one tuple of constants; or else all the rest of the block. Outside quotes nothing is let
# through that could mean more than a constant, such as a bracket, comment or delimiter: that is for the
# tokenizer. `_TIGHT` is what dump programs write: no white space inside, but for `_binary '...'`.
# `_LOOSE` is what people write.
_SIGNS = rb"'\"`()#/\\;$|@^&!%~"
_TIGHT = re.compile(
    rb",\s?+\((?:[^SIGNS\s]*+(?:'| (?<=_binary )')[^']*+')*+[^SIGNS\s]*+\)|(.+)".replace(b"SIGNS", _SIGNS),
    re.DOTALL,
)
_LOOSE = re.compile(
    rb"\s*+,\s*+\((?:[^SIGNS-]++|-(?!-)|'[^']*+')*+\)|(.+)".replace(b"SIGNS", _SIGNS),
    re.DOTALL,
)
_NEXT = re.compile(rb"\s*,")
_SMALLEST, _LARGEST = 4 * 1024, 256 * 1024


class RowSkipper:
    """Skips whole tuples of constants. Adapts its pattern and its reach to what it meets."""

    def __init__(self) -> None:
        self._row = _TIGHT
        self._reach = _SMALLEST

    def skip(self, buffer: bytes, position: int) -> tuple[int, int]:
        """Count the complete `,(...)` tuples that follow each other from `position` on, outside all quotes.

        Returns their number and the position after the last of them. Both may fall short of what is there.
        """
        rows = 0
        while _NEXT.match(buffer, position):
            block = buffer[position : position + self._reach]
            if b"\\" in block:
                # Take the escapes out, so that quotes are where strings end. `#` stands for them because
                # it is not let through outside quotes. Pairs first: in \\' the quote is not escaped.
                block = block.replace(b"\\\\", b"##").replace(b"\\'", b"##")
            found = self._row.findall(block)
            rest = len(found.pop()) if found and found[-1] else 0
            rows += len(found)
            position += len(block) - rest
            if not found and len(block) == self._reach:
                self._row = _LOOSE if self._row is _TIGHT else _TIGHT
            if rest > len(block) // 2:
                self._reach = max(_SMALLEST, self._reach // 2)
                break
            self._reach = min(_LARGEST, self._reach * 2)
        return rows, position
