"""The words of a definition: names, strings, numbers, signs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

# An ENUM may have 65,535 values, and a table 4,096 columns; more than this is no definition that a server has written.
_MOST_WORDS = 300_000

# What is quoted is found by hand: a pattern for it takes memory by the length of the text.
_TOKEN = re.compile(r"\s+|(?P<quote>[`'\"])|(?P<word>[\w$]+)|(?P<sign>.)", re.DOTALL)
_ENDS = {"`": re.compile("`"), "'": re.compile(r"['\\]"), '"': re.compile(r'["\\]')}
_ESCAPED = {quote: re.compile(rf"\\(.)|{quote * 2}", re.DOTALL) for quote in "'\""}
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
# In characters, of what a message shows of a definition.
_SHOWN = 64


class DefinitionError(ValueError):
    """A definition that is not of a form that servers write; the message says what was expected and found."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, sign, name or string of a definition, quotes removed. `lower` is empty for what was quoted."""

    text: str
    lower: str = ""
    is_string: bool = False


def words_of(text: str) -> list[Word]:
    """The words of a statement without comments. Raises DefinitionError where there are more than a server writes."""
    words = list(islice(_words(text), _MOST_WORDS + 1))
    if len(words) > _MOST_WORDS:
        raise DefinitionError(f"expected at most {_MOST_WORDS:,} words in a definition, found more")
    return words


def shown(word: Word | None) -> str:
    """A word for a message: short, and no string, which may be somebody's data."""
    if word is None:
        return "the end"
    return "a string" if word.is_string else repr(word.text[:_SHOWN])


def _words(text: str) -> Iterator[Word]:
    at = 0
    while found := _TOKEN.match(text, at):
        at = found.end()
        if found.lastgroup == "quote":
            begin, at = found.start(), _end_of_quoted(text, at, found[0])
            inside = text[begin:at]
            is_name = found[0] == "`"
            yield Word(inside[1:-1].replace("``", "`")) if is_name else Word(unquoted(inside), is_string=True)
        elif found.lastgroup:
            yield Word(found[0], lower=found[0].lower())


def _end_of_quoted(text: str, at: int, quote: str) -> int:
    """Behind the quoted part that has begun before `at`; a doubled sign does not end it."""
    while found := _ENDS[quote].search(text, at):
        at = found.end()
        if found[0] != quote or text.startswith(quote, at):
            at += 1
        else:
            return at
    return len(text)


def unquoted(string: str) -> str:
    """What a quoted string of MySQL's stands for."""
    quote = string[0]
    return _ESCAPED[quote].sub(lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else quote, string[1:-1])


class Words:
    """Words, and a place among them."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._at = 0

    def at(self, *words: str) -> bool:
        """Whether the next one is one of these, outside quotes."""
        return self._at < len(self._words) and self._words[self._at].lower in words

    def take(self, word: str) -> bool:
        """Go past the word, if it is the next one."""
        found = self.at(word)
        self._at += found
        return found

    def next(self) -> Word:
        """The next one, and past it. Raises DefinitionError at the end."""
        if self._at == len(self._words):
            raise DefinitionError("expected more of the definition, found its end")
        self._at += 1
        return self._words[self._at - 1]

    def expect(self, *words: str) -> None:
        """Go past these. Raises DefinitionError where another one stands there."""
        for word in words:
            if not self.take(word):
                raise DefinitionError(f"expected {word.upper()!r}, found {shown(next(iter(self.rest()), None))}")

    def skip_to(self, word: str) -> None:
        """Go past the next such word. Raises DefinitionError where there is none."""
        while not self.take(word):
            self.next()

    def rest(self) -> Sequence[Word]:
        """All that follow, and past them."""
        rest = self._words[self._at :]
        self._at = len(self._words)
        return rest

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


def outside_brackets(words: Sequence[Word]) -> Iterator[Word]:
    """The words that stand in no brackets, and the outermost brackets' signs."""
    depth = 0
    for word in words:
        depth -= word.lower == ")"
        if depth == 0:
            yield word
        depth += word.lower == "("
