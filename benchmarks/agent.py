"""What metrics cost: `python -m benchmarks.agent send [N]` and `python -m benchmarks.agent runs DATE DATABASE [PAIRS]`.

`send` times one metric, N times each: with an agent that listens, with one that is away, and without any; and the
import of Datadog's client, which a task finds done (`tributary.preload`). `runs` loads a day of a database on this
checkout's running stack, in pairs: once with the local agent, once with it stopped, in turns, so that what the machine
does otherwise falls on both. Prints tables in Markdown. `runs` needs `make up`, the stack at rest, and the day's dump;
it leaves the agent running.
"""

from __future__ import annotations

import importlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

ROOT = Path(__file__).resolve().parents[1]
AGENT = "dogstatsd"
TAGS = {"database": "shop_eu", "app": "retail", "step": "sync", "state": "success"}


@contextmanager
def port(*, listening: bool) -> Iterator[int]:
    """A UDP port of the loopback interface where somebody listens, or nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        number = int(agent.getsockname()[1])
        if not listening:
            agent.close()
        yield number


def microseconds(call: Callable[[], object], n: int) -> list[float]:
    """How long each of n calls took."""
    found = []
    for _ in range(n):
        start = time.perf_counter()
        call()
        found.append((time.perf_counter() - start) * 1e6)
    return found


def send(n: int) -> None:
    """The table of one metric."""
    from tributary.telemetry import metrics

    def one() -> None:
        metrics.timing("task.duration", 12.5, **TAGS)

    cpu = time.process_time()
    importlib.import_module("datadog.dogstatsd.base")
    print(f"Importing the client: {time.process_time() - cpu:.2f} CPU seconds.\n")
    print("| agent | n | median, us | min, us | max, us |\n| --- | --- | --- | --- | --- |")
    for what, listening in (("listens", True), ("is away", False), ("not set", None)):
        with port(listening=bool(listening)) as number:
            os.environ["DD_AGENT_HOST"] = "" if listening is None else "127.0.0.1"
            os.environ["DD_DOGSTATSD_PORT"] = str(number)
            one()  # opens the socket
            row(what, n, *(f"{value:,.1f}" for value in summary(microseconds(one, n))))


def runs(date: str, database: str, pairs: int) -> None:
    """The table of whole runs."""
    supervisor = _supervisor()
    seconds: dict[str, list[float]] = {"running": [], "stopped": []}
    try:
        for number in range(pairs):
            order = ("running", "stopped") if number % 2 == 0 else ("stopped", "running")
            for state in order:
                _agent(supervisor, running=state == "running")
                seconds[state].append(_load(date, database))
    finally:
        _agent(supervisor, running=True)
    print("| agent | n | median, s | min, s | max, s |\n| --- | --- | --- | --- | --- |")
    for state, found in seconds.items():
        row(state, pairs, *(f"{value:.2f}" for value in summary(found)))
    ratios = [stopped / running for running, stopped in zip(*seconds.values(), strict=True)]
    least, most = min(ratios), max(ratios)
    print(f"\nStopped by running, pair by pair: median {statistics.median(ratios):.3f} ({least:.3f} to {most:.3f}).")


def summary(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and most."""
    return statistics.median(values), min(values), max(values)


def row(*cells: object) -> None:
    """One line of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _load(date: str, database: str) -> float:
    start = time.perf_counter()
    command = [str(ROOT / "tributary"), "run", "--date", date, "--database", database]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _supervisor() -> Any:
    from stack.state import State

    state = State.load()
    return ServerProxy(
        f"http://stack:{state.secrets['supervisor']}@127.0.0.1:{state.ports['supervisor']}/RPC2"
    ).supervisor


def _agent(supervisor: Any, *, running: bool) -> None:
    if (supervisor.getProcessInfo(AGENT)["statename"] == "RUNNING") is not running:
        (supervisor.startProcess if running else supervisor.stopProcess)(AGENT)


def main(arguments: list[str]) -> int:
    """Run one of the two."""
    match arguments:
        case ["send", *rest]:
            send(int(rest[0]) if rest else 10_000)
        case ["runs", date, database, *rest]:
            runs(date, database, int(rest[0]) if rest else 5)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
