"""Reading a dump for its contract: what pre-flight says of it, and its tables' first rows."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tributary.dump_check import STANDARD_INPUT
from tributary.dumps import DumpRefused, DumpReport, open_dump, preflight
from tributary.onboarding.inference import ANSWERED, Inferred, infer
from tributary.onboarding.samples import first_rows


def infer_from(file: str, app: str, database: str) -> Inferred:
    """The contract of `app` by a dump in a local file, or on standard input for `-`.

    Reads it three times: it is in memory never. Raises the `DumpError`s of `preflight`: DumpRefused where the dump may
    not be imported for a reason that no option of a contract answers. OSError for a file that cannot be read.
    """
    with _opened(file) as stream:
        report = _accepted(preflight(stream, database=None, require_completion=False))
        stream.seek(0)
        rows = first_rows(open_dump(stream), report)
        inferred = infer(app, report, rows, database)
        if not inferred.contract.tables:
            return inferred
        stream.seek(0)
        contract = inferred.contract
        preflight(
            stream,
            database=database,
            source_name=contract.source_name,
            expected_tables=tuple(contract.tables),
            allow_own_database=contract.own_database_statements,
            require_completion=contract.completion_line,
        ).raise_if_refused()
        return inferred


def definitions_in(file: str) -> DumpReport:
    """What pre-flight says of a dump of any database, for its `definitions`; raises as `infer_from`."""
    with _opened(file) as stream:
        return _accepted(preflight(stream, database=None, require_completion=False))


def _accepted(report: DumpReport) -> DumpReport:
    if any(finding.code not in ANSWERED for finding in report.errors):
        raise DumpRefused(report)
    return report


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """The file, to be read more than once."""
    if file != STANDARD_INPUT:
        with Path(file).open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        yield copy
