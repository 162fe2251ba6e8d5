"""What the tests of cases share; tests/support/fault_table.py makes the table of them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.fault_table import SEEN


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Takes what a test of a case saw, for the table."""

    def say(what: object) -> None:
        request.node.stash[SEEN] = str(what)

    return say


@pytest.fixture
def takes_long() -> None:
    """For the few tests that are worth their time only now and then."""
    if os.environ.get("TRIBUTARY_FAULTS") != "all":
        pytest.skip("takes long: TRIBUTARY_FAULTS=all runs it")
