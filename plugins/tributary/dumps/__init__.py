"""Dump files: which one to take, and whether it may be imported. Pure: no Airflow, no cloud library.

dump = choose_dump(objects, "shop_eu", date)
with bucket.open(dump.uri) as stream:
    preflight(stream, "shop_eu", expected_tables={"orders"}).raise_if_refused()
"""

from tributary.dumps.errors import (
    DumpCorrupt,
    DumpEmpty,
    DumpError,
    DumpFormatUnsupported,
    DumpRefused,
    DumpTooLarge,
    DumpTruncated,
)
from tributary.dumps.formats import Compression, needs_copy
from tributary.dumps.preflight import preflight
from tributary.dumps.reader import open_dump
from tributary.dumps.report import DumpReport, Finding, Severity
from tributary.dumps.rewrite import Changes, rewrite
from tributary.dumps.selection import DEFAULT_PATTERN, DumpObject, choose_dump, prefix_for
from tributary.dumps.tokenizer import tokenize
from tributary.dumps.tokens import Comment, Statement

__all__ = [
    "DEFAULT_PATTERN",
    "Changes",
    "Comment",
    "Compression",
    "DumpCorrupt",
    "DumpEmpty",
    "DumpError",
    "DumpFormatUnsupported",
    "DumpObject",
    "DumpRefused",
    "DumpReport",
    "DumpTooLarge",
    "DumpTruncated",
    "Finding",
    "Severity",
    "Statement",
    "choose_dump",
    "needs_copy",
    "open_dump",
    "prefix_for",
    "preflight",
    "rewrite",
    "tokenize",
]
