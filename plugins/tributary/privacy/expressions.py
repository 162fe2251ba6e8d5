"""SQL that makes a column's hash or mask, the same on MySQL 8.0 and MariaDB. Pure.

All of it may stand in a virtual generated column: it depends on the row and on nothing of the session.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tributary.privacy.ways import TEXTS, WHOLE_NUMBERS, Personal
from tributary.quality.schema import mysql_type

_BLOCK = 64

# Nine to nineteen digits, as people write telephone and card numbers; a day of the calendar has eight.
_NUMBER = "^[+(]?([0-9][ ()./-]{0,2}){8,18}[0-9]$"
_ADDRESS = "^[^@[:space:]]{1,64}@[A-Za-z0-9.-]{1,240}[.][A-Za-z]{2,10}$"
_MASKED_TEXT = (
    "case when {text} is null then null "
    f"when {{text}} regexp '{_NUMBER}' then concat('****', right({{text}}, 4)) "
    f"when {{text}} regexp '{_ADDRESS}' then concat('****@', substring_index({{text}}, '@', -1)) "
    "else '****' end"
)
# MySQL's zero has no year, and is NULL as it is wherever dates are copied.
_MASKED_DATE = "case when year({column}) > 0 then cast(concat(lpad(year({column}), 4, '0'), '-01-01') as {name}) end"


@dataclass(frozen=True)
class HashKey:
    """The key of the hashes as RFC 2104 uses it: two blocks, in hex. Either is as secret as the key itself."""

    inner: str = field(repr=False)
    outer: str = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> HashKey:
        """From a key of any length."""
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        return cls(bytes(byte ^ 0x36 for byte in block).hex(), bytes(byte ^ 0x5C for byte in block).hex())

    @property
    def fingerprint(self) -> str:
        """Tells keys apart, and says nothing of them."""
        return hashlib.sha256(f"tributary {self.outer}{self.inner}".encode()).hexdigest()[:16]


def concealed(column: str, type_: str, way: Personal, key: HashKey | None) -> str:
    """What is copied in place of a column's values.

    A hash is HMAC-SHA-256 of the value's text in UTF-8, as 64 lower-case hex digits; NULL stays NULL.

    :param column: where the clear values stand, as SQL names it.
    :param type_: the column's MySQL type, in the form of contracts; one that the way is there for (`type_fault`).
    """
    name = mysql_type(type_)[0]
    if way is Personal.mask:
        if name in TEXTS:
            return _MASKED_TEXT.replace("{text}", _text(column, name))
        return _MASKED_DATE.replace("{column}", column).replace("{name}", name)
    if key is None:
        raise ValueError("a hash needs a key")
    inner = f"unhex(sha2(concat(unhex('{key.inner}'), {_text(column, name)}), 256))"
    return f"sha2(concat(unhex('{key.outer}'), {inner}), 256)"


def _text(column: str, name: str) -> str:
    """The value's text in UTF-8, whatever the column's character set."""
    if name in TEXTS:
        return f"convert({column} using utf8mb4)"
    # Adding zero takes away ZEROFILL, and makes a number of a YEAR.
    plain = f"{column} + 0" if name in WHOLE_NUMBERS else column
    return f"convert(cast({plain} as char) using utf8mb4)"
