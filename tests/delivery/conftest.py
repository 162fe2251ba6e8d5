"""What the tests of delivery share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.scripts import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with no cloud's program yet."""
    return Machine(tmp_path)
