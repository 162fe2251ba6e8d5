"""What the definitions in a dump say of its tables: columns with their types, and keys. Pure.

Read here, and not by a general SQL parser: SQLGlot 30 gives a whole table up for one column of a type that it does not
know, such as `point` or `inet6`. What is read is what the servers' own programs write, and what people write by hand
that comes to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tributary.dumps.column_types import Word, column_type

_TOKEN = re.compile(
    r"\s+"
    r"|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<string>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")"
    r"|(?P<word>[\w$]+)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_CREATES_TABLE = re.compile(r"\s*create\s+table\b", re.IGNORECASE)
_ESCAPED = {quote: re.compile(rf"\\(.)|{quote * 2}", re.DOTALL) for quote in "'\""}
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
# What an item of a definition begins with that is no column. `period` may be one's name.
_NO_COLUMN = frozenset({"primary", "unique", "key", "index", "fulltext", "spatial", "constraint", "foreign", "check"})


# More than any server keeps in one database.
_MOST_COLUMNS = 1_000_000


class DefinitionError(ValueError):
    """A definition that is not of a form that servers write; the message says what was expected and found."""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column. `type` is in the form of contracts; see `column_types`. `generated`: the server computes it."""

    name: str
    type: str
    nullable: bool = True
    generated: bool = False
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
    def row_key(self) -> tuple[str, ...]:
        """What names a row: the primary key, else the first unique key that is never NULL, else nothing."""
        required = {column.name for column in self.columns if not column.nullable}
        return self.primary_key or next((key for key in self.unique_keys if required.issuperset(key)), ())


def read_table(text: str) -> TableDefinition:
    """The table that a CREATE TABLE defines; comments removed, executable ones unwrapped (`Statement.text`).

    Raises DefinitionError.
    """
    tokens = _Tokens(text)
    tokens.expect("create", "table")
    name = tokens.table_name()
    table = TableDefinition(name, ())
    for item in tokens.items_in_brackets():
        table = _with_item(table, _Tokens.of(item))
    if not table.columns:
        raise DefinitionError(f"table {name!r}: expected columns, found none")
    return replace(_with_required_key(table), comment=_comment(tokens.rest()))


def alter_table(table: TableDefinition, text: str) -> TableDefinition:
    """The table after an ALTER TABLE or CREATE INDEX of the kinds that pre-flight lets through.

    Raises DefinitionError.
    """
    tokens = _Tokens(text)
    if tokens.take("create"):
        unique = tokens.take("unique")
        tokens.skip_to("on")
        tokens.table_name()
        return _with_unique(table, next(tokens.column_lists(), ())) if unique else table
    tokens.expect("alter", "table")
    tokens.table_name()
    for item in tokens.items():
        piece = _Tokens.of(item)
        if piece.take("modify"):
            piece.take("column")
            changed = _column(piece, table)[0]
            columns = tuple(changed if one.name == changed.name else one for one in table.columns)
            table = replace(table, columns=columns)
        elif piece.take("add"):
            table = _with_item(table, piece)
    return _with_required_key(table)


def _with_required_key(table: TableDefinition) -> TableDefinition:
    """The table, whose primary key is never NULL, also where its columns do not say so."""
    columns = tuple(replace(one, nullable=one.nullable and one.name not in table.primary_key) for one in table.columns)
    return replace(table, columns=columns)


def normal_type(text: str) -> str:
    """A type as a contract writes it, in the form of `column_types`; what is none stays as it is."""
    try:
        return column_type(_Tokens(text).rest())[0]
    except ValueError:
        return text


class Definitions:
    """The definitions of a dump's tables so far: within memory, whatever the dump says."""

    def __init__(self) -> None:
        self._tables: dict[str, TableDefinition] = {}
        self._columns = 0

    def take(self, table: str, text: str) -> None:
        """Take the next definition or change of a table. Raises DefinitionError; what was known of it is gone then."""
        known = self._tables.pop(table, None)
        if _CREATES_TABLE.match(text):
            definition = read_table(text)
            self._columns += len(definition.columns)
            if self._columns > _MOST_COLUMNS:
                raise DefinitionError(f"expected at most {_MOST_COLUMNS:,} columns in a dump, found more")
            self._tables[table] = definition
        elif known:
            self._tables[table] = alter_table(known, text)

    def of(self, tables: Iterable[str]) -> dict[str, TableDefinition]:
        """The definitions of these tables that are known."""
        return {name: self._tables[name] for name in tables if name in self._tables}


def _with_item(table: TableDefinition, item: _Tokens) -> TableDefinition:
    """The table with one more column or key."""
    if item.is_column():
        column, inline = _column(item, table)
        table = replace(table, columns=(*table.columns, column))
        if inline == "primary":
            return replace(table, primary_key=(column.name,))
        return _with_unique(table, (column.name,)) if inline == "unique" else table
    if item.take("constraint") and not item.at("primary", "unique", "foreign", "check"):
        item.next()  # its name
    if item.take("primary"):
        return replace(table, primary_key=next(item.column_lists(), ()))
    if item.take("unique"):
        return _with_unique(table, next(item.column_lists(), ()))
    return table


def _with_unique(table: TableDefinition, columns: tuple[str, ...]) -> TableDefinition:
    return replace(table, unique_keys=(*table.unique_keys, columns)) if columns else table


def _column(item: _Tokens, table: TableDefinition) -> tuple[ColumnDefinition, str]:
    """A column, and `primary` or `unique` where its own definition makes it that key."""
    name = item.next().text
    words = list(item.rest())
    try:
        kind, used, required = column_type(words)
    except ValueError as error:
        raise DefinitionError(f"column {name!r} of table {table.name!r}: {error}") from None
    attributes = [word.lower for word in _outside_brackets(words[used:])]
    pairs = set(pairwise(attributes))
    # `key` alone makes a primary key, too.
    inline = "unique" if required or "unique" in attributes else "primary" if "key" in attributes else ""
    column = ColumnDefinition(
        name,
        kind,
        nullable=not (required or inline == "primary" or ("not", "null") in pairs),
        generated="generated" in attributes or ("as", "(") in pairs,
        invisible="invisible" in attributes,
        comment=_comment(words[used:]),
    )
    return column, inline


def _comment(words: Sequence[Word]) -> str:
    """The string behind COMMENT, outside brackets."""
    outside = list(_outside_brackets(words))
    for position, word in enumerate(outside):
        if word.lower == "comment":
            string = next((one for one in outside[position + 1 : position + 3] if one.is_string), None)
            return string.text if string else ""
    return ""


def _outside_brackets(words: Sequence[Word]) -> Iterator[Word]:
    """The words that stand in no brackets, and the outermost brackets' signs."""
    depth = 0
    for word in words:
        if word.lower == ")":
            depth -= 1
        if depth == 0:
            yield word
        if word.lower == "(":
            depth += 1


class _Tokens:
    """The words of a definition, and a place among them."""

    def __init__(self, text: str) -> None:
        self._words = [_word(found) for found in _TOKEN.finditer(text) if found.lastgroup]
        self._at = 0

    @classmethod
    def of(cls, words: Sequence[Word]) -> _Tokens:
        tokens = cls("")
        tokens._words = list(words)
        return tokens

    def at(self, *words: str) -> bool:
        """Whether the next one is one of these, outside quotes."""
        return self._at < len(self._words) and self._words[self._at].lower in words

    def take(self, word: str) -> bool:
        """Go past the word, if it is the next one."""
        found = self.at(word)
        self._at += found
        return found

    def next(self) -> Word:
        if self._at == len(self._words):
            raise DefinitionError("expected more of the definition, found its end")
        self._at += 1
        return self._words[self._at - 1]

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                found = self._words[self._at].text if self._at < len(self._words) else "the end"
                raise DefinitionError(f"expected {word.upper()!r}, found {found!r}")

    def skip_to(self, word: str) -> None:
        """Go past the next such word."""
        while not self.take(word):
            self.next()

    def rest(self) -> list[Word]:
        rest = self._words[self._at :]
        self._at = len(self._words)
        return rest

    def is_column(self) -> bool:
        """Whether the item defines a column."""
        if self._at == len(self._words):
            raise DefinitionError("expected a column or a key, found nothing")
        first, second = [*self._words[self._at : self._at + 2], None][:2]
        if first and first.lower == "period":
            return not (second and second.lower == "for")
        return not self.at(*_NO_COLUMN)

    def table_name(self) -> str:
        """The name of a table, without its database's."""
        while self.at("if", "not", "exists"):
            self.next()
        name = self.next().text
        return self.next().text if self.take(".") else name

    def items(self) -> Iterator[list[Word]]:
        """What is between the commas, outside brackets, up to the end or a closing bracket, which is passed."""
        item: list[Word] = []
        depth = 0
        while self._at < len(self._words):
            word = self.next()
            if word.lower == ")" and depth == 0:
                break
            depth += (word.lower == "(") - (word.lower == ")")
            if word.lower == "," and depth == 0:
                yield item
                item = []
            else:
                item.append(word)
        yield item

    def items_in_brackets(self) -> Iterator[list[Word]]:
        self.expect("(")
        yield from self.items()

    def column_lists(self) -> Iterator[tuple[str, ...]]:
        """The columns in each pair of brackets that follows; none where one of them is an expression."""
        while self._at < len(self._words):
            if not self.take("("):
                self.next()
                continue
            # Unique in its first so many characters is unique as a whole.
            names = [item[0].text if item and item[0].lower != "(" else "" for item in self.items()]
            yield tuple(names) if all(names) else ()


def unquoted(string: str) -> str:
    """What a quoted string of MySQL's stands for."""
    quote = string[0]
    return _ESCAPED[quote].sub(lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else quote, string[1:-1])


def _word(found: re.Match[str]) -> Word:
    text = found[0]
    if found.lastgroup == "name":
        return Word(text[1:-1].replace("``", "`"))
    if found.lastgroup == "string":
        return Word(unquoted(text), is_string=True)
    return Word(text, lower=text.lower())
