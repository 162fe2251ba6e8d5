"""Plays random histories and says how they ended: `python -m benchmarks.histories [HISTORIES] [PART] [FIRST_SEED]`.

Prints a table in Markdown. First the histories in memory, then HISTORIES (200) on the real services of a local
cloud, PART (20) to a cloud. `CPU seconds` are those of the tests and of their services. Failed histories, with
their seeds and all that happened in them, go to standard error. Needs TRIBUTARY_BQEMULATOR as the tests do.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

IN_MEMORY = "tests/unit/test_histories.py"
# What that file plays: a state machine of 200, and 500 seeds with each of two ways in which jobs read.
HISTORIES_IN_MEMORY = 1200
ON_SERVICES = "tests/faults/test_histories.py"


def play(tests: str, **environment: str) -> tuple[list[ElementTree.Element], float, float]:
    """Run a file of tests; its test cases, and the seconds and CPU seconds that they took."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", tests, f"--junitxml={report}"]
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if not report.exists():
            raise SystemExit(
                f"pytest ended with {run.returncode} and no report:\n{run.stdout[-3000:]}{run.stderr[-3000:]}"
            )
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it a moment ago
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    for failure in (failure for case in cases for failure in case.findall("failure")):
        print(failure.get("message"), file=sys.stderr, flush=True)
    return cases, seconds, cpu


def _row(where: str, histories: int, seeds: str, cases: list[ElementTree.Element], *measured: float) -> str:
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    seconds, cpu = measured
    each = [float(case.get("time") or 0) for case in cases]
    spread = f"{statistics.median(each):.0f} ({min(each):.0f} to {max(each):.0f})" if len(each) == histories else ""
    cells = [where, f"{histories:,}", seeds, str(failed), f"{seconds:.0f}", f"{cpu:.0f}", spread]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table, a line as soon as its histories have ended."""
    histories, part, first = (int(word) for word in [*sys.argv[1:], *("200", "20", "0")[len(sys.argv) - 1 :]])
    print("| where | histories | seeds | failed | seconds | CPU seconds | seconds a history |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(_row("memory", HISTORIES_IN_MEMORY, "0 to 499", *play(IN_MEMORY)), flush=True)
    for begin in range(first, first + histories, part):
        count = min(part, first + histories - begin)
        chosen = {"TRIBUTARY_FAULTS_SEED": str(begin), "TRIBUTARY_FAULTS_HISTORIES": str(count)}
        seeds = f"{begin} to {begin + count - 1}"
        print(_row("services", count, seeds, *play(ON_SERVICES, **chosen)), flush=True)


if __name__ == "__main__":
    main()
