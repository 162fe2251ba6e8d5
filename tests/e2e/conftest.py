"""One stack for all tests of this folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout


@pytest.fixture(scope="session")
def checkout(root: Path) -> Iterator[Checkout]:
    folder = root / ".local" / "e2e" / str(int(time.time()))
    checkout = Checkout.create(folder)
    yield checkout
    checkout.run("make", "stop", check=False)


@pytest.fixture(scope="session")
def first_day(checkout: Checkout) -> str:
    """`make run` on a folder where nothing ever ran; returns what it printed."""
    return checkout.run("make", "run").stdout
