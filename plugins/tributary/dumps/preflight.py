"""The check of a dump before anything imports it: whole, of the right database, and harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date
from typing import BinaryIO, cast

from tributary.dumps.inspection import Inspection, Rules
from tributary.dumps.reader import MAX_BYTES, open_dump
from tributary.dumps.report import DumpReport
from tributary.dumps.tokenizer import Tokenizer


class _Fingerprint:
    """A stream that hashes and counts what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.sha256.update(data)
        self.size += len(data)
        return data


def preflight(
    stream: BinaryIO,
    database: str | None,
    expected_tables: Collection[str] | None = None,
    *,
    source_name: str | None = None,
    allow_own_database: bool = False,
    require_completion: bool = True,
    not_before: date | None = None,
    max_bytes: int = MAX_BYTES,
    describe: bool = False,
) -> DumpReport:
    """Read the dump in `stream` once, to its last byte, in constant memory; report what an import would do.

    `database` is the database that the dump will be imported into, and whose dump it must be unless
    `source_name` gives the name that it has in production; None accepts any one database, which is then the one
    that the dump's header names. Without `expected_tables` any tables will do.
    `allow_own_database` accepts CREATE DATABASE, DROP DATABASE and USE of these two names, which
    `strip_own_database` removes. Without `require_completion` a dump may lack header and completion line, as
    those written by hand do: then a cut between two statements shows only as a missing table. A completion line
    with a day earlier than `not_before` is of an older dump. With `describe` the report has the tables' definitions,
    too, and where their first rows are.

    The report is not `ok` when the dump is cut, belongs to another database, lacks an expected table, or
    has a statement that could reach outside the database. Raises the `DumpError`s of `open_dump` for a file
    that cannot be read to its end.
    """
    stored = _Fingerprint(stream)
    rules = Rules(
        database=database,
        own_names=frozenset(name for name in (database, source_name) if name),
        expected_tables=None if expected_tables is None else frozenset(expected_tables),
        allow_own_database=allow_own_database,
        require_completion=require_completion,
        not_before=not_before,
        describe=describe,
    )
    inspection = Inspection(rules)
    tokenizer = Tokenizer()
    text = open_dump(cast(BinaryIO, stored), max_bytes)
    for chunk in text:
        inspection.take(tokenizer.feed(chunk))
    inspection.take(tokenizer.close())
    return inspection.report(
        compression=text.compression,
        compressed_bytes=stored.size,
        sql_bytes=tokenizer.position,
        sha256=stored.sha256.hexdigest(),
    )
