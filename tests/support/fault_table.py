"""The table at the end of a run: which case of the catalogue was tried, what was expected, what was seen.

`TRIBUTARY_FAULTS_REPORT` names a file that gets it as Markdown; `TRIBUTARY_FAULTS_ROWS` one that keeps the rows from
one run to the next, so that several runs make one table. A plugin of pytest, in tests/conftest.py.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support.catalogue import NOT_AUTOMATED

Row = tuple[str, str, str, str, str]
# How often each row was seen, and the seconds of all of them.
ROWS: dict[Row, list[float]] = {}
# What a test of a case says that it saw; the fixture `seen` writes it.
SEEN = pytest.StashKey[str]()
_PROPERTY = "case"
_LONGEST = 200
_COLUMNS = ("case", "what happens", "expected", "seen", "ok")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add its row to the report of every test that automates a case."""
    report = yield
    case = item.get_closest_marker("case")
    if case is None or (report.when != "call" and not (report.when == "setup" and report.outcome != "passed")):
        return report
    name, what = case.args
    ok = {"passed": "yes", "failed": "NO", "skipped": "not tried"}[report.outcome]
    without_word = {"passed": "as expected", "failed": "NOT as expected", "skipped": _reason(report)}[report.outcome]
    saw = textwrap.shorten(item.stash.get(SEEN, without_word), _LONGEST, placeholder=" …")
    report.user_properties.append((_PROPERTY, (name, what, case.kwargs["expected"], saw, ok)))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the rows, also of tests that ran in other processes: a report is all that these send."""
    for name, row in report.user_properties:
        if name == _PROPERTY and isinstance(row, (list, tuple)):
            ROWS.setdefault(tuple(row), []).append(report.duration)


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, and write it as Markdown to the file that TRIBUTARY_FAULTS_REPORT names."""
    _join_kept_rows()
    if not ROWS:
        return
    lines = [
        _line(_COLUMNS),
        _line("---" for _ in _COLUMNS),
        *(_line(_counted(row)) for row in sorted(ROWS, key=_place)),
    ]
    if NOT_AUTOMATED:
        lines += ["", f"Cases without a test: {', '.join(sorted(NOT_AUTOMATED, key=_number))}."]
    terminalreporter.section("faults")
    terminalreporter.write("\n".join(lines) + "\n")
    if report := os.environ.get("TRIBUTARY_FAULTS_REPORT"):
        Path(report).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _join_kept_rows() -> None:
    """Add the rows of the runs before this one, and keep all of them for the next."""
    if not (name := os.environ.get("TRIBUTARY_FAULTS_ROWS")):
        return
    kept = Path(name)
    if kept.exists():
        for *row, seconds in json.loads(kept.read_text(encoding="utf-8")):
            ROWS.setdefault(tuple(row), []).extend(seconds)
    kept.write_text(json.dumps([[*row, seconds] for row, seconds in ROWS.items()], indent=1), encoding="utf-8")


def _counted(row: Row) -> tuple[str, ...]:
    """The row, with how often and how long it was tried."""
    seconds = ROWS[row]
    times = f"{len(seconds)} times, " if len(seconds) > 1 else ""
    return (*row[:-1], f"{row[-1]}, {times}{sum(seconds):.1f} s")


def _line(cells: Any) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _place(row: Row) -> tuple[str, int]:
    return _number(row[0])


def _number(case: str) -> tuple[str, int]:
    found = re.match(r"([A-Z]+)(\d+)", case)
    return (found[1], int(found[2])) if found else (case, 0)
