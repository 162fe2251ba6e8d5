"""A dump with changes to its statements, for the server that imports it. Rows are never touched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tributary.dumps.draft import STATEMENT_BYTES
from tributary.dumps.grammar import Kind
from tributary.dumps.statements import classify
from tributary.dumps.tokenizer import Tokenizer
from tributary.dumps.tokens import Comment, Statement

# The only collation that is replaced: of its kin, servers differ in what they take for equal.
NEW_COLLATION = "utf8mb4_0900_ai_ci"

# From here on a statement is not held back any more and passes as it is. A definition that long is refused.
_LONGEST = STATEMENT_BYTES
_FIRST_WORDS = (b"create", b"drop", b"use", b"set", b"alter")

_GAP = rb"(?:\s++|/\*M?!\d*+|\*/|/\*(?!M?!)[^*]*+(?:\*(?!/)[^*]*+)*+\*/|(?:--(?=[\x00-\x20])|#)[^\n]*+)*+"
_ACCOUNT_PART = rb"(?:`(?:[^`]|``)*+`|'[^']*+'|\"[^\"]*+\"|[\w.%$]++)"
_DEFINER = re.compile(
    rb"(GAPcreate\bGAP(?:or\bGAPreplace\bGAP)?+(?:algorithm\s*+=\s*+\w++GAP)?+)"
    rb"definer\s*+=\s*+PART(?:\(\)|\s*+@\s*+PART)?+".replace(b"GAP", _GAP).replace(b"PART", _ACCOUNT_PART),
    re.IGNORECASE,
)
# What the name of the collation is searched in: strings, quoted names and comments are passed over whole, but
# for a string behind COLLATE or a variable of that sort.
_COLLATION = re.compile(
    rb"(\bcollat(?:e|ion_\w++)(?:\s*+=)?+\s*+)(['\"])NAME\2|(?<![\w$])()NAME(?![\w$])"
    rb"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"|`[^`]*+`"
    rb"|/\*(?!M?!).*?\*/|(?:--(?=[\x00-\x20])|#)[^\n]*+".replace(b"NAME", NEW_COLLATION.encode()),
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change in a dump.

    `own_database`: the names whose CREATE DATABASE, DROP DATABASE and USE are left out, so that the import's
    own choice holds; they are compared exactly, as servers on Linux do. `drop_definers`: leave out the DEFINER
    of views, triggers, routines and events, which then belong to the account that imports. `collation`: what
    stands in place of `utf8mb4_0900_ai_ci`. `sandbox_line`: leave out MariaDB's command `\\-`, at which MySQL's
    client, and with it an import by Cloud SQL, ends.
    """

    own_database: Collection[str] = ()
    drop_definers: bool = False
    collation: str | None = None
    sandbox_line: bool = False

    def __bool__(self) -> bool:
        return bool(self.own_database or self.drop_definers or self.collation or self.sandbox_line)


def rewrite(chunks: Iterable[bytes], changes: Changes) -> Iterator[bytes]:
    """The dump with `changes`; else byte for byte, rows, strings and comments included.

    A statement that is left out goes with its delimiter, the line break behind it stays. It refuses nothing:
    run `preflight` first. Memory is constant.
    """
    tokenizer = Tokenizer()
    pending = bytearray()
    start = 0  # offset of the first pending byte
    for chunk in _and_end(chunks):
        pending += chunk or b""
        tokens = tokenizer.close() if chunk is None else tokenizer.feed(chunk)
        for token in tokens:
            if isinstance(token, Comment) and token.is_command and changes.sandbox_line:
                yield bytes(pending[: token.offset - start])
                del pending[: token.offset - start + len(token.text)]
                start = token.offset + len(token.text)
            if not isinstance(token, Statement) or not _may_change(token.text) or token.offset < start:
                continue
            if token.end - token.offset > _LONGEST:
                continue
            before = bytes(pending[token.offset - start : token.end - start])
            after = _changed(token, before, changes)
            if after != before:
                yield bytes(pending[: token.offset - start]) + after
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
    """How far the dump is known to stay: not into a statement that may still be changed."""
    if tokenizer.open_statement is None:
        return tokenizer.position
    offset, text = tokenizer.open_statement
    return offset if _may_change(text) and tokenizer.position - offset < _LONGEST else tokenizer.position


def _may_change(text: bytes) -> bool:
    begin = text[:64].lstrip()[:8].lower()
    return any(begin.startswith(word[: len(begin)]) for word in _FIRST_WORDS)


def _changed(statement: Statement, text: bytes, changes: Changes) -> bytes:
    if changes.own_database:
        action = classify(statement)
        if action.kind is Kind.DATABASE and action.subject in changes.own_database:
            return b""
    if changes.drop_definers:
        text = _DEFINER.sub(rb"\1", text, count=1) if _DEFINER.match(text) else text
    if changes.collation:
        text = _with_collation(text, changes.collation.encode())
    return text


def _with_collation(text: bytes, collation: bytes) -> bytes:
    def replaced(found: re.Match[bytes]) -> bytes:
        if found[1] is not None:
            return found[1] + found[2] + collation + found[2]
        return collation if found[3] is not None else found[0]

    return _COLLATION.sub(replaced, text)
