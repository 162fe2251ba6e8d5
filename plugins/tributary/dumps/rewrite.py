"""A dump without the statements that choose its database, so that the import's own choice holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tributary.dumps.grammar import Kind
from tributary.dumps.statements import classify
from tributary.dumps.tokenizer import Tokenizer
from tributary.dumps.tokens import Statement

# A statement about a database is far shorter; from here on a statement cannot be one and is passed on.
_LONGEST = 16 * 1024
_FIRST_WORDS = (b"create", b"drop", b"use")


def strip_own_database(chunks: Iterable[bytes], names: Collection[str]) -> Iterator[bytes]:
    """The dump without its CREATE DATABASE, DROP DATABASE and USE statements of `names`; else byte for byte.

    Names are compared exactly, as servers on Linux do. A statement goes with its delimiter, the line break
    behind it stays. It refuses nothing: run `preflight` first. Memory is constant.
    """
    own = frozenset(names)
    tokenizer = Tokenizer()
    pending = bytearray()
    start = 0  # offset of the first pending byte
    for chunk in _and_end(chunks):
        pending += chunk or b""
        tokens = tokenizer.close() if chunk is None else tokenizer.feed(chunk)
        for token in tokens:
            if isinstance(token, Statement) and _is_about(token, own):
                yield bytes(pending[: token.offset - start])
                del pending[: token.end - start]
                start = token.end
        decided = _decided(tokenizer) - start
        if decided > 0:
            yield bytes(pending[:decided])
            del pending[:decided]
            start += decided
    if pending:
        yield bytes(pending)


def _and_end(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _decided(tokenizer: Tokenizer) -> int:
    """How far the dump is known to stay: not into a statement that may turn out to be about a database."""
    if tokenizer.open_statement is None:
        return tokenizer.position
    offset, text = tokenizer.open_statement
    begin = text.lstrip()[:8].lower()
    may_be = any(begin.startswith(word[: len(begin)]) for word in _FIRST_WORDS)
    return offset if may_be and tokenizer.position - offset < _LONGEST else tokenizer.position


def _is_about(statement: Statement, names: frozenset[str]) -> bool:
    if statement.end - statement.offset > _LONGEST:
        return False
    action = classify(statement)
    return action.kind is Kind.DATABASE and action.subject in names
