"""The ways in which a contract can have a personal column copied, and for which types each is there. Pure."""

from __future__ import annotations

from enum import StrEnum

from tributary.quality.schema import mysql_type

# MySQL's names have 64 characters; the clear values stand under a longer name (`naming.personal_column`).
LONGEST_NAME = 54

TEXTS = frozenset("char varchar tinytext text mediumtext longtext enum set".split())
WHOLE_NUMBERS = frozenset("tinyint smallint mediumint int bigint year".split())
DATES = frozenset({"date", "datetime"})
_HASHED = TEXTS | WHOLE_NUMBERS | {"date"}
_MASKED = TEXTS | DATES

# 32 bytes in hex.
HASH_TYPE = "char(64)"
# An address' domain has 253 characters at most.
_MASKED_TEXT = "varchar(255)"


class Personal(StrEnum):
    """What is done about a column with personal data."""

    drop = "drop"
    hash = "hash"
    mask = "mask"
    tag = "tag"


def copied_type(type_: str, way: Personal | None) -> str:
    """The MySQL type of what is copied of a column of that type."""
    if way is Personal.hash:
        return HASH_TYPE
    return _MASKED_TEXT if way is Personal.mask and mysql_type(type_)[0] in TEXTS else type_


def type_fault(type_: str, way: Personal | None) -> str:
    """Why a column of that type cannot be copied so; empty where it can."""
    name = mysql_type(type_)[0]
    if way is Personal.hash and name not in _HASHED:
        return (
            f"found hash, expected it for text, whole numbers or DATE alone: a value of {type_} has no one text "
            "that would be the same everywhere; say `drop`"
        )
    if way is Personal.mask and name not in _MASKED:
        return f"found mask, expected it for text, DATE or DATETIME alone, and not for {type_}; say `drop` or `hash`"
    return ""


def key_fault(way: Personal | None) -> str:
    """Why a column of a table's key cannot be copied so; empty where it can."""
    if way is Personal.mask:
        return "found mask, expected a column of the key to stay unique: say `hash`"
    if way is Personal.tag:
        return "found tag, expected no clear personal values in a key, by which `ops` names rows: say `hash`"
    return ""
