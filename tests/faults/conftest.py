"""The table at the end of a run: which case of the catalogue was tried, what was expected, how it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

Row = tuple[str, str, str, str]
ROWS: list[Row] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep the outcome of every test that automates a case."""
    outcome = yield
    report = outcome.get_result()
    case = item.get_closest_marker("case")
    if case is None or (report.when != "call" and not (report.when == "setup" and report.outcome != "passed")):
        return
    name, what = case.args
    seen = {"passed": "as expected", "failed": "NOT as expected", "skipped": "not tried"}[report.outcome]
    ROWS.append((name, what, case.kwargs["expected"], f"{seen}, {report.duration:.0f} s"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, and write it as Markdown to the file that TRIBUTARY_FAULTS_REPORT names."""
    if not ROWS:
        return
    lines = ["| case | what happens | expected | seen |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in sorted(ROWS)]
    terminalreporter.section("faults")
    terminalreporter.write("\n".join(lines) + "\n")
    if report := os.environ.get("TRIBUTARY_FAULTS_REPORT"):
        Path(report).write_text("\n".join(lines) + "\n")
