"""How much faster two workers load a day of many databases than one: `python -m benchmarks.workers [DATABASES] [CPUS]`.

Builds the image with a registry of that many shops (24), and loads three days of them, without the consolidation: one
that makes what every later day finds there, one with one worker, and one with two. Every worker has the same share of a
CPU (0.4), so small that two of them leave the machine what all else takes: what is measured is the workers and not the
machine. Prints both times, their ratio, how long tasks waited for a worker and for the pool of imports, and the CPU
time of each service: what really limits.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.compose import engine
from tests.compose.engine import docker
from tests.compose.stack import ComposeStack
from tests.conftest import ROOT
from tributary import naming

CPUS_OF_A_WORKER = "0.4"
TASKS_OF_A_WORKER = "4"


def main(databases: int, cpus: str) -> None:
    """Measure, and print a table in Markdown."""
    names = [f"shop_{number:02}" for number in range(1, databases + 1)]
    seconds = {}
    with running(names, cpus) as stack:
        simulated(stack, names)
        load(stack, names, next_day(stack, names))
        for workers in (1, 2):
            scale(stack, workers)
            seconds[workers] = day(stack, names, workers)
    print(f"\nTwo workers take {seconds[2] / seconds[1]:.2f} of the time of one.")


@contextmanager
def running(names: list[str], cpus: str) -> Iterator[ComposeStack]:
    """A deployment with those databases alone."""
    started = engine.Engine.start()
    stack = ComposeStack.create(ROOT / ".local" / "compose" / f"benchmark-{int(time.time())}")
    with stack.checkout.registry() as content:
        content["databases"] = {name: {"app": "retail"} for name in names}
    settings = stack.checkout.folder / ".env"
    own = {"TRIBUTARY_CPUS": "2", "TRIBUTARY_WORKER_CPUS": cpus, "TRIBUTARY_PARALLELISM": "64"}
    lines = [f"{name}={value}" for name, value in {**own, "TRIBUTARY_WORKER_CONCURRENCY": TASKS_OF_A_WORKER}.items()]
    settings.write_text(settings.read_text() + "\n".join(lines) + "\n")
    try:
        engine.prepare()
        stack.build("1", "localcloud")
        stack.script("up")
        yield stack
    finally:
        stack.stop()
        started.stop()


def simulated(stack: ComposeStack, names: list[str]) -> None:
    """Let the databases live."""
    for name in names:
        stack.simulator("add", name, "--app", "retail")


def scale(stack: ComposeStack, workers: int) -> None:
    """Have that many workers."""
    scaled = ("--scale", f"worker={workers}", "worker")
    stack.deployment.compose("up", "--detach", "--no-build", "--no-recreate", "--no-deps", *scaled)
    stack.deployment.wait()


def next_day(stack: ComposeStack, names: list[str]) -> str:
    """Let a day pass in production."""
    return stack.simulator("advance", "--databases", ",".join(names)).splitlines()[-1]


def load(stack: ComposeStack, names: list[str], date: str) -> float:
    """Load a day; returns the seconds that it took."""
    begin = time.monotonic()
    command = stack.load(date, *(word for name in names for word in ("--database", name)))
    output, _ = command.communicate()
    assert command.returncode == 0, output
    return time.monotonic() - begin


def day(stack: ComposeStack, names: list[str], workers: int) -> float:
    """Load the next day; prints a row for it, and returns the seconds."""
    date = next_day(stack, names)
    before, seconds = cpu_seconds(stack), load(stack, names, date)
    used = {service: after - before.get(service, 0.0) for service, after in cpu_seconds(stack).items()}
    busiest = ", ".join(f"{service} {one:.0f}" for service, one in Counter(used).most_common(6))
    waited, pooled = waits(stack, names, date)
    columns = ("workers", "day (s)", "waiting for a worker (s, all tasks)", "for an import (s)", "CPU seconds")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    print(f"| {workers} | {seconds:.0f} | {waited:.0f} | {pooled:.0f} | {busiest} |", flush=True)
    return seconds


def cpu_seconds(stack: ComposeStack) -> Counter[str]:
    """What each service has used of the CPU since it started, from its control group."""
    used: Counter[str] = Counter()
    for container in stack.deployment.containers():
        if container.details["State"]["Running"]:
            script = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || grep usage_usec /sys/fs/cgroup/cpu.stat"
            words = docker("exec", container.id, "sh", "-c", script).split()
            used[container.service] += int(words[-1]) / (1e9 if len(words) == 1 else 1e6)
    return used


def waits(stack: ComposeStack, names: list[str], date: str) -> tuple[float, float]:
    """Seconds that tasks were queued, and that imports waited for their pool's slot."""
    run_id, queued, pooled = naming.run_id(datetime.fromisoformat(date).date()), 0.0, 0.0
    for name in names:
        for task in stack.airflow.tasks(naming.dag_id(name), run_id):
            at = {what: task[f"{what}_when" if what == "queued" else what] for what in ("queued", "start_date")}
            if all(at.values()):
                queued += seconds_between(at["queued"], at["start_date"])
            if task["task_id"] == "import_dump" and task.get("scheduled_when") and at["queued"]:
                pooled += seconds_between(task["scheduled_when"], at["queued"])
    return queued, pooled


def seconds_between(begin: str, end: str) -> float:
    """Never below 0: a task that deferred has an old start and a new queueing."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())


if __name__ == "__main__":
    words = dict(enumerate(sys.argv))
    main(int(words.get(1, 24)), words.get(2, CPUS_OF_A_WORKER))
