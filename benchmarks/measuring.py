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
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("apache-airflow", "astronomer-cosmos", "great-expectations")


@dataclass(frozen=True)
class Cost:
    """Seconds: of the clock, and of CPU."""

    wall: float
    cpu: float


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU seconds so far of these processes, their descendants, and those descendants that were waited for."""
    total = 0.0
    for root in roots:
        tree = psutil.Process(root)
        for process in (tree, *tree.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def in_turns(n: int, ways: Mapping[str, Callable[[], object]], roots: Iterable[int]) -> dict[str, list[Cost]]:
    """The costs of each way, n times; the one that was first is last the next time.

    :param roots: processes that work for it, beside this one and its children.
    """
    trees = (os.getpid(), *roots)
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for number in range(n):
        order = list(ways) if number % 2 == 0 else list(reversed(ways))
        for way in order:
            before, begin = cpu_seconds(trees), time.monotonic()
            ways[way]()
            costs[way].append(Cost(time.monotonic() - begin, cpu_seconds(trees) - before))
            print(f"{way}: {costs[way][-1].wall:.1f} s, {costs[way][-1].cpu:.1f} CPU s", flush=True)
    return costs


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


def shown(values: list[float], digits: int) -> str:
    """The median, and between which values."""
    least, most = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def keep(name: str, costs: Mapping[str, list[Cost]], baseline: str) -> Path:
    """Write the single costs below `benchmarks/results`, for `benchmarks.performance`."""
    singles = {way: [asdict(cost) for cost in found] for way, found in costs.items()}
    return keep_figures(name, costs=singles, baseline=baseline)


def keep_figures(name: str, **figures: Any) -> Path:
    """Write figures below `benchmarks/results`, with the machine and the versions."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    document = {
        "name": name,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": {
            "cpus": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {package: version(package) for package in PACKAGES},
        **figures,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path
