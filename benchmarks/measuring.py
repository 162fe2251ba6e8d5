"""What a piece of work costs, each way of doing it in turns: wall time, and the CPU of whole trees of processes.

The CPU is that of the stack's processes and of the commands that were started, those included that have ended: a
process keeps the times of the children that it has waited for. Results are kept as JSON, with what they ran on.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
# By package, the environment that has it.
PACKAGES = {
    "apache-airflow": "airflow",
    "astronomer-cosmos": "airflow",
    "great-expectations": "airflow",
    "dbt-core": "dbt",
    "dbt-bigquery": "dbt",
    "bqemulator": "localcloud",
    "duckdb": "localcloud",
}
# How often the processes are looked at anew, where one ended in the middle of it.
_LOOKS = 50


@dataclass(frozen=True)
class Cost:
    """Seconds: of the clock, and of CPU."""

    wall: float
    cpu: float


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU seconds so far of these processes, their descendants, and those descendants that were waited for."""
    roots = list(roots)
    for _ in range(_LOOKS):
        processes = trees(roots)
        try:
            times = [process.cpu_times() for process in processes.values()]
        except psutil.NoSuchProcess:
            continue
        # Who has ended meanwhile may be counted by its parent, too, or not at all.
        if trees(roots).keys() == processes.keys():
            return sum(one.user + one.system + one.children_user + one.children_system for one in times)
    raise RuntimeError(f"processes come and go faster than they can be looked at ({_LOOKS} times)")


def trees(roots: Iterable[int]) -> dict[int, psutil.Process]:
    """These processes and their descendants, each once."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        process = psutil.Process(root)
        found |= {one.pid: one for one in (process, *process.children(recursive=True))}
    return found


class Peak:
    """The largest resident memory, in MiB, of a process and its descendants while they are watched.

    :param each: of the largest single one of them, instead of all together.
    """

    def __init__(self, root: int, *, each: bool = False) -> None:
        self.root = psutil.Process(root)
        self.reduce: Callable[[list[int]], int] = max if each else sum
        self.mebibytes = 0.0

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        """Look at them twenty times a second."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.05):
                self.mebibytes = max(self.mebibytes, self._now())

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    def _now(self) -> float:
        found = [0]
        for process in (self.root, *self.root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_info().rss)
        return self.reduce(found) / 2**20


def in_turns(
    n: int,
    ways: Mapping[str, Callable[[], object]],
    roots: Iterable[int],
    *,
    before: Callable[[], object] = lambda: None,
    around: Callable[[str], AbstractContextManager[Iterable[int]]] | None = None,
) -> dict[str, list[Cost]]:
    """The costs of each way, n times; the one that was first is last the next time.

    :param roots: processes that work for it, beside this one and its children.
    :param before: what each turn of all ways begins with, unmeasured.
    :param around: what surrounds a way, unmeasured; gives the roots while it lasts.
    """
    around = around or (lambda _: nullcontext(list(roots)))
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for number in range(n):
        before()
        order = list(ways) if number % 2 == 0 else list(reversed(ways))
        for way in order:
            with around(way) as of_way:
                costs[way].append(cost(ways[way], of_way))
            print(f"{way}: {costs[way][-1].wall:.1f} s, {costs[way][-1].cpu:.1f} CPU s", flush=True)
    return costs


def cost(work: Callable[[], object], roots: Iterable[int]) -> Cost:
    """What one piece of work takes, this process and its children included."""
    processes = (os.getpid(), *roots)
    used, begin = cpu_seconds(processes), time.monotonic()
    work()
    return Cost(time.monotonic() - begin, cpu_seconds(processes) - used)


def table(costs: Mapping[str, list[Cost]], baseline: str) -> str:
    """In Markdown: medians with least and most, and ratios to the baseline, pair by pair."""
    lines = [
        "| | n | wall, s | CPU, s | wall by baseline | CPU by baseline |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for way, found in costs.items():
        pairs = list(zip(found, costs[baseline], strict=True))
        cells = [
            shown([cost.wall for cost in found], 1),
            shown([cost.cpu for cost in found], 1),
            shown([cost.wall / base.wall for cost, base in pairs], 2),
            shown([cost.cpu / base.cpu for cost, base in pairs], 2),
        ]
        lines.append(f"| {way} | {len(found)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def row(cells: Iterable[object]) -> str:
    """A line of a table in Markdown; numbers have commas, and None is an empty cell."""
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int | float) else str(cell or '') for cell in cells)} |"


def compared(costs: Mapping[str, list[Cost]], pairs: Iterable[tuple[str, str]]) -> str:
    """Lines in Markdown: of each pair of ways, the first by the second, turn by turn."""
    lines = []
    for way, other in pairs:
        both = list(zip(costs[way], costs[other], strict=True))
        wall, cpu = ([getattr(one, of) / getattr(two, of) for one, two in both] for of in ("wall", "cpu"))
        lines.append(f"- {way} by {other}: wall {shown(wall, 2)}, CPU {shown(cpu, 2)}.")
    return "\n".join(lines)


def shown(values: list[float], digits: int) -> str:
    """The median, and between which values."""
    least, most = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def keep(
    name: str, costs: Mapping[str, list[Cost]], baseline: str, pairs: Iterable[tuple[str, str]] = (), **figures: Any
) -> Path:
    """Write the single costs below `benchmarks/results`, for `benchmarks.performance`, and whatever else."""
    singles = {way: [asdict(cost) for cost in found] for way, found in costs.items()}
    return keep_figures(name, costs=singles, baseline=baseline, pairs=list(pairs), **figures)


def _commit() -> str:
    """The commit's short name, with `-dirty` where more was changed than what benchmarks write."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results", ":!docs")
    return git("describe", "--always", "--abbrev=7") + "-dirty" * bool(changed)


def keep_figures(name: str, **figures: Any) -> Path:
    """Write figures below `benchmarks/results`, with the machine and the versions."""
    document = {
        "name": name,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "cpus": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {package: version_in(environment, package) for package, environment in PACKAGES.items()},
        **figures,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def version_in(environment: str, package: str) -> str:
    """The version of a package in one of the checkout's environments."""
    (folder,) = (ROOT / ".local" / "envs" / environment / "lib").glob("python3*/site-packages")
    (found,) = distributions(name=package, path=[str(folder)])
    return found.version
