"""What the definitions in a dump say of its tables: columns with their types, and keys. Pure.

Read here, and not by a general SQL parser (docs/decisions/0025). What is read is what the servers' own programs write,
and what people write by hand that comes to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tributary.dumps.column_types import column_type
from tributary.dumps.words import DefinitionError, Word, Words, outside_brackets, shown, words_of

_CREATES_TABLE = re.compile(r"\s*create\s+table\b", re.IGNORECASE)
# What an item of a definition begins with that is no column.
_NO_COLUMN = ("primary", "unique", "key", "index", "fulltext", "spatial", "constraint", "foreign", "check")
# What an item of ALTER TABLE may begin with that changes nothing which is kept.
_NO_CHANGE = ("auto_increment", "comment", "disable", "enable", "engine", "order")
# MySQL's and MariaDB's own limit is 64.
_MOST_UNIQUE_KEYS = 1_000
# Of all definitions together, in characters: far above any real dump's.
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column. `type` is in the form of contracts; see `column_types`. `invisible`: a plain SELECT leaves it out."""

    name: str
    type: str
    nullable: bool = True
    invisible: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """One table. `unique_keys` are in the order of the definition, without those of expressions and the primary key."""

    name: str
    columns: tuple[ColumnDefinition, ...]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    comment: str = ""

    @property
    def row_keys(self) -> list[tuple[str, ...]]:
        """What names a row: the primary key, and the unique keys that are never NULL."""
        required = {column.name for column in self.columns if not column.nullable}
        keys = [self.primary_key, *self.unique_keys]
        return [key for key in keys if key and required.issuperset(key)]


class Definitions:
    """The definitions of a dump's tables so far: within memory, whatever the dump says."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._size = 0

    def take(self, table: str, text: str) -> None:
        """Take the next definition or change of a table. Raises DefinitionError; what was known of it is gone then."""
        self._size += len(text)
        known = self._tables.pop(table, None)
        if self._size > _LARGEST:
            raise DefinitionError(f"expected at most {_LARGEST:,} characters of definitions in a dump, found more")
        if _CREATES_TABLE.match(text):
            self._tables[table] = _table_of(text)
        elif known:
            known.change(text)
            self._tables[table] = known

    def forget(self, table: str) -> None:
        """The table was dropped."""
        self._tables.pop(table, None)

    def of(self, tables: Iterable[str]) -> dict[str, TableDefinition]:
        """The definitions of these tables that are known."""
        return {name: self._tables[name].defined() for name in tables if name in self._tables}


def read_table(text: str) -> TableDefinition:
    """The table that a CREATE TABLE defines; comments removed, executable ones unwrapped (`Statement.text`).

    Raises DefinitionError.
    """
    return _table_of(text).defined()


def _table_of(text: str) -> _Table:
    words = Words(words_of(text))
    words.expect("create", "table")
    table = _Table(_table_name(words))
    words.expect("(")
    for item in words.items():
        table.add(Words(item))
    if not table.columns:
        raise DefinitionError(f"table {table.name[:64]!r}: expected columns, found none")
    table.comment = _comment(words.rest())
    return table


def normal_type(text: str) -> str:
    """A type as a contract writes it, in the form of `column_types`; what is none stays as it is."""
    try:
        return column_type(words_of(text))[0]
    except ValueError:
        return text


@dataclass
class _Table:
    """A table that is being defined."""

    name: str
    columns: dict[str, ColumnDefinition] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    unique_keys: list[tuple[str, ...]] = field(default_factory=list)
    comment: str = ""

    def change(self, text: str) -> None:
        """Take an ALTER TABLE or CREATE INDEX of the kinds that pre-flight lets through. Raises DefinitionError."""
        words = Words(words_of(text))
        if words.take("create"):
            is_unique = words.take("unique")
            words.skip_to("on")
            _table_name(words)
            if is_unique:
                self.add_unique(_column_list(words))
            return
        words.expect("alter", "table")
        _table_name(words)
        for item in map(Words, words.items()):
            if item.take("modify") or item.take("add"):
                is_new_column = item.take("column")
                if is_new_column:
                    self.add_column(item)
                else:
                    self.add(item)
            elif not item.at(*_NO_CHANGE):
                raise DefinitionError(f"table {self.name[:64]!r}: expected ADD or MODIFY, found {shown(item.next())}")

    def add(self, item: Words) -> None:
        """Take one more column or key. Raises DefinitionError."""
        if not item.at(*_NO_COLUMN):
            self.add_column(item)
            return
        if item.take("constraint") and not item.at("primary", "unique", "foreign", "check"):
            item.next()  # its name
        if item.take("primary"):
            self.primary_key = _column_list(item)
        elif item.take("unique"):
            self.add_unique(_column_list(item))

    def add_unique(self, columns: tuple[str, ...]) -> None:
        """Take a unique key, unless it is one of expressions."""
        if len(self.unique_keys) == _MOST_UNIQUE_KEYS:
            raise DefinitionError(f"table {self.name[:64]!r}: expected at most {_MOST_UNIQUE_KEYS:,} unique keys")
        if columns:
            self.unique_keys.append(columns)

    def add_column(self, item: Words) -> None:
        """Take a column, in the place of the one of that name if there is one. Raises DefinitionError."""
        first = item.next()
        if first.is_string:
            raise DefinitionError(f"table {self.name[:64]!r}: expected the name of a column, found {shown(first)}")
        if first.lower == "period" and item.at("for"):  # of a table with the history of its rows
            return
        name, words = first.text, item.rest()
        try:
            kind, used, is_serial = column_type(words)
        except ValueError as error:
            raise DefinitionError(f"column {name[:64]!r} of table {self.name[:64]!r}: {error}") from None
        if kind == "longtext" and _is_json(words[used:]):
            kind = "json"
        attributes = [word.lower for word in outside_brackets(words[used:])]
        pairs = set(pairwise(attributes))
        is_unique = is_serial or "unique" in attributes
        # `key` alone makes a primary key, too.
        is_primary = ("primary", "key") in pairs or ("key" in attributes and not is_unique)
        self.columns[name] = ColumnDefinition(
            name,
            kind,
            nullable=not (is_serial or is_primary or ("not", "null") in pairs),
            invisible="invisible" in attributes,
            comment=_comment(words[used:]),
        )
        if is_primary:
            self.primary_key = (name,)
        elif is_unique:
            self.add_unique((name,))

    def defined(self) -> TableDefinition:
        """The table. Its primary key is never NULL, also where its columns do not say so."""
        key = frozenset(self.primary_key)
        columns = (replace(one, nullable=one.nullable and one.name not in key) for one in self.columns.values())
        return TableDefinition(self.name, tuple(columns), self.primary_key, tuple(self.unique_keys), self.comment)


def _table_name(words: Words) -> str:
    """The name of a table, without its database's."""
    while words.at("if", "not", "exists"):
        words.next()
    name = words.next().text
    return words.next().text if words.take(".") else name


def _column_list(words: Words) -> tuple[str, ...]:
    """The columns in the brackets that come next; none where one of them is an expression."""
    words.skip_to("(")
    # Unique in its first so many characters is unique as a whole.
    names = [item[0].text if item and item[0].lower != "(" else "" for item in words.items()]
    return tuple(names) if all(names) else ()


def _is_json(words: Sequence[Word]) -> bool:
    """Whether a LONGTEXT is what MariaDB makes of JSON: https://mariadb.com/kb/en/json/."""
    check = ("check", "(", "json_valid")
    texts = [word.lower for word in words]
    return any(tuple(texts[at : at + len(check)]) == check for at in range(len(texts)))


def _comment(words: Sequence[Word]) -> str:
    """The string behind COMMENT, outside brackets."""
    outside = list(outside_brackets(words))
    for position, word in enumerate(outside):
        if word.lower == "comment":
            string = next((one for one in outside[position + 1 : position + 3] if one.is_string), None)
            return string.text if string else ""
    return ""
