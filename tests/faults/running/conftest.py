"""One running stack for all tests of this folder: each test goes on from the day that the last one left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.running.oracle import Oracle
from tests.faults.running.stack import Stack


@pytest.fixture(scope="session")
def stack(root: Path) -> Iterator[Stack]:
    stack = Stack.start(root / ".local" / "faults" / str(int(time.time())))
    yield stack
    stack.stop()


@pytest.fixture(autouse=True)
def calm(stack: Stack, request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test begins without what an earlier one, that failed, has left."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        stack.calm()


@pytest.fixture(scope="session")
def oracle(stack: Stack) -> Oracle:
    return Oracle(stack)
