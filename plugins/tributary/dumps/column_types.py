"""The types of columns, however a definition writes them, in one form: that of contracts.

It is the form of MySQL 8's `information_schema.columns.column_type`, in which integers have no display width
(https://dev.mysql.com/doc/refman/8.4/en/numeric-type-attributes.html) but for TINYINT(1) and ZEROFILL; other servers
write `int(11)` for the same type. Aliases are those of the manual's "Using Data Types from Other Database Engines".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tributary.dumps.words import Word, shown

_DISPLAY_WIDTHS = {"tinyint": "3", "smallint": "5", "mediumint": "8", "int": "10", "bigint": "20"}
_ALIASES = {
    "integer": "int",
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "middleint": "mediumint",
    "int4": "int",
    "int8": "bigint",
    "dec": "decimal",
    "fixed": "decimal",
    "numeric": "decimal",
    "float4": "float",
    "float8": "double",
    "real": "double",
    "character": "char",
    "nchar": "char",
    "nvarchar": "varchar",
    "varcharacter": "varchar",
    "geomcollection": "geometrycollection",
}
# What a type is that says nothing of its size.
_DEFAULT_SIZES = {"decimal": "10,0", "bit": "1", "char": "1", "binary": "1"}
_WITHOUT_SIZE = frozenset({"year", "tinytext", "mediumtext", "longtext", "tinyblob", "mediumblob", "longblob"})
_TIMES = frozenset({"time", "datetime", "timestamp"})
_LISTS = frozenset({"enum", "set"})
# From this many binary digits on a FLOAT(p) is a DOUBLE.
_DOUBLE_DIGITS = 25
_SIZE = re.compile(r"\d{1,10}(,\d{1,10})?")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_SPECIAL = str.maketrans({"\\": "\\\\", "\0": "\\0", "\n": "\\n", "\r": "\\r", "'": "''"})


def column_type(words: Sequence[Word]) -> tuple[str, int, bool]:
    """The type that a column's definition begins with (behind its name).

    Returns it in the form of contracts; how many words it takes; and whether it makes the column a unique key that is
    never NULL, as SERIAL does. Raises ValueError.
    """
    name, at = _type_name(words)
    if name == "serial":
        return "bigint unsigned", at, True
    if name in ("bool", "boolean"):
        return "tinyint(1)", at, False
    arguments: list[Word] = []
    if at < len(words) and words[at].lower == "(":
        end = next((place for place, word in enumerate(words[at:], at) if word.lower == ")"), len(words))
        arguments = list(words[at + 1 : end])
        at = end + 1
    signs = []
    while at < len(words) and words[at].lower in ("signed", "unsigned", "zerofill"):
        signs.append(words[at].lower)
        at += 1
    return _written(name, arguments, signs), at, False


def _type_name(words: Sequence[Word]) -> tuple[str, int]:
    """The type's own name, and the words that it takes."""
    first, second, third = ([word.lower for word in words[:3]] + ["", "", ""])[:3]
    at = 1
    if first == "national":
        first, second, at = second, third, 2
    if not _NAME.fullmatch(first):
        raise ValueError(f"expected a type, found {shown(words[0] if words else None)}")
    if first == "long":
        known = {"varchar": "mediumtext", "varbinary": "mediumblob"}
        return (known[second], at + 1) if second in known else ("mediumtext", at)
    if first in ("char", "character", "nchar", "varchar") and second in ("varying", "varchar", "varcharacter"):
        return "varchar", at + 1
    if first == "char" and second == "byte":
        return "binary", at + 1
    if first == "double" and second == "precision":
        return "double", at + 1
    return _ALIASES.get(first, first), at


def _written(name: str, arguments: Sequence[Word], signs: Sequence[str]) -> str:
    if name in _LISTS:
        values = [f"'{word.text.translate(_SPECIAL)}'" for word in arguments if word.is_string]
        return f"{name}({','.join(values)})"
    size = "".join(word.text for word in arguments)
    if size and not _SIZE.fullmatch(size):
        raise ValueError(f"expected a size such as 10 or 10,2 in brackets behind {name}")
    zerofill = "zerofill" in signs
    unsigned = zerofill or "unsigned" in signs
    if name in _DISPLAY_WIDTHS:
        is_flag = name == "tinyint" and size == "1" and not unsigned
        size = (size or _DISPLAY_WIDTHS[name]) if zerofill else "1" if is_flag else ""
    elif name == "decimal":
        size = size if "," in size else f"{size or 10},0"
    elif name == "float" and size.isdigit():
        name, size = ("double" if int(size) >= _DOUBLE_DIGITS else "float"), ""
    elif name in _WITHOUT_SIZE or (name in _TIMES and size == "0"):
        size = ""
    size = size or _DEFAULT_SIZES.get(name, "")
    return f"{name}{f'({size})' if size else ''}{' unsigned' * unsigned}{' zerofill' * zerofill}"
