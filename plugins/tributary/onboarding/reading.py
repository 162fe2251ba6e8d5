"""Reading a dump for its contract: what pre-flight says of it, and its tables' first rows."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tributary.contracts import Contract
from tributary.dump_check import STANDARD_INPUT, preflight_by
from tributary.dumps import DumpRefused, DumpReport, open_dump, preflight
from tributary.dumps.definitions import TableDefinition
from tributary.errors import TributaryError
from tributary.onboarding.inference import ANSWERED, Inferred, Rows, infer
from tributary.onboarding.samples import first_rows

_BUCKET = "gs://"


def infer_from(file: str, app: str, database: str) -> Inferred:
    """The contract of `app` by a dump in a local file, or on standard input for `-`.

    Reads it three times, as it may be larger than memory. Raises the `DumpError`s of `preflight`, DumpRefused where it
    may not be imported for a reason that no option of a contract answers; and OSError for a file that cannot be read.
    """
    with _opened(file) as stream:
        report = _described(stream)
        stream.seek(0)
        inferred = infer(app, report, first_rows(open_dump(stream), report), database)
        stream.seek(0)
        preflight_by(inferred.contract, stream, database).raise_if_refused()
        return inferred


def definitions_for(file: str, contract: Contract, database: str) -> Mapping[str, TableDefinition]:
    """The definitions in a dump that the DAG of that database would import; raises as `infer_from`."""
    with _opened(file) as stream:
        report = preflight_by(contract, stream, database, describe=True)
    report.raise_if_refused()
    return _definitions(report, contract)


def definitions_in(file: str, contract: Contract) -> Mapping[str, TableDefinition]:
    """The definitions in a dump, whatever its database is called; raises as `infer_from`."""
    with _opened(file) as stream:
        report = _described(stream)
    return _definitions(report, contract)


def described_in(file: str, contract: Contract) -> tuple[Mapping[str, TableDefinition], Mapping[str, Rows]]:
    """The definitions in a dump, and some rows of its tables; `file` may be `gs://...`, and raises as `infer_from`."""
    with _opened(file) as stream:
        report = _described(stream)
        stream.seek(0)
        samples: dict[str, Rows] = dict(first_rows(open_dump(stream), report))
    return _definitions(report, contract), samples


def _definitions(report: DumpReport, contract: Contract) -> Mapping[str, TableDefinition]:
    """Those of the report. Raises TributaryError where one of a table of the contract could not be read."""
    unread = [name for name in contract.tables if name in report.tables and name not in report.definitions]
    if unread:
        findings = [str(one) for one in report.findings if one.code == "unread_definition" and one.table in unread]
        raise TributaryError(f"expected definitions that can be read, found {'; '.join(findings)}")
    return report.definitions


def _described(stream: BinaryIO) -> DumpReport:
    """What pre-flight says of a dump of whatever database, where options of a contract answer all that it minds."""
    report = preflight(stream, database=None, require_completion=False, describe=True)
    if any(finding.code not in ANSWERED for finding in report.errors):
        raise DumpRefused(report)
    return report


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """The file, to be read more than once."""
    if file.startswith(_BUCKET):
        from google.cloud import storage

        with storage.Blob.from_uri(file, client=storage.Client()).open("rb") as stream:
            yield stream
        return
    if file != STANDARD_INPUT:
        with Path(file).open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        yield copy
