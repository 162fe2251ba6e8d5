"""dbt as the tasks run it: a fork of a server that has it imported, which each process of tests has one of."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Timer

from tributary.dbt_process import Server

# Far above what a build of these tests takes.
SECONDS = 300


def run_dbt(*arguments: str, env: Mapping[str, str], project: Path, target: Path) -> tuple[int, str]:
    """Run ``dbt <arguments>``; its exit code, negative for a signal, and its output.

    Artifacts go to `target`. What is parsed is there for the next run with the same variables (``--vars``).
    """
    server = _server()
    command = [
        server.executable, "--no-use-colors", *arguments, "--target-path", str(target), "--log-path", str(target),
    ]  # fmt: skip
    process = server.start(command, {key: value for key, value in env.items() if key != "PYTHONPATH"}, str(project))
    limit = Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    limit.start()
    try:
        assert process.stdout
        with process.stdout as output:
            text = output.read()
        return process.wait(), text
    finally:
        limit.cancel()


@cache
def _server() -> Server:
    executable = os.environ["TRIBUTARY_DBT_EXECUTABLE"]
    return Server(executable, Path(executable).resolve().with_name("python"))
