"""One deployment for all tests of this folder: each goes on from the day that the last one left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.compose import engine
from tests.compose.stack import ComposeStack
from tests.faults.running.oracle import Oracle
from tests.support.fault_table import SEEN


@pytest.fixture(scope="session")
def times() -> dict[str, float]:
    """Seconds by what took them, for the table at the end."""
    return {}


@pytest.fixture(scope="session")
def stack(root: Path, times: dict[str, float]) -> Iterator[ComposeStack]:
    with ExitStack() as at_the_end:
        at_the_end.callback(engine.Engine.start().stop)
        stack = ComposeStack.create(root / ".local" / "compose" / str(int(time.time())))
        at_the_end.callback(stack.stop)
        begin = time.monotonic()
        engine.prepare()
        times["base images"] = time.monotonic() - begin
        begin = time.monotonic()
        stack.build("1", "localcloud")
        times["build"] = time.monotonic() - begin
        begin = time.monotonic()
        stack.script("up")
        times["up"] = time.monotonic() - begin
        yield stack
        begin = time.monotonic()
        stack.stop()
        times["down"] = time.monotonic() - begin
        print("\n" + "\n".join(f"{what}: {seconds:.0f} s" for what, seconds in times.items()))


@pytest.fixture(scope="session")
def first_day(stack: ComposeStack, times: dict[str, float]) -> str:
    """The main job, once: a day passes, and is loaded."""
    day = stack.next_day()
    begin = time.monotonic()
    command = stack.load(day)
    output, _ = command.communicate(timeout=3600)
    times["first day"] = time.monotonic() - begin
    assert command.returncode == 0, output
    return day


@pytest.fixture(scope="session")
def oracle(stack: ComposeStack, first_day: str) -> Oracle:
    return Oracle(stack)


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Takes what a test of a case saw, for the table."""

    def say(what: object) -> None:
        request.node.stash[SEEN] = str(what)

    return say
