"""Shops that have lived for a while, shared by the tests that only look at them."""

from datetime import date

import pytest

from tests.unit.simulator.memory import MemoryShop

FIRST = date(2013, 1, 1)


@pytest.fixture(scope="session", params=["shop_eu", "shop_us", "shop_br", "shop_northpole"])
def shop(request: pytest.FixtureRequest) -> MemoryShop:
    """A shop that has lived for thirty days."""
    return MemoryShop(request.param).live(FIRST, 30)
