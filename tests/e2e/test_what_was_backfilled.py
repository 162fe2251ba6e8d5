"""What two backfills of the same three days have left; they ran while the tests before this one looked at the pages."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.content import dump_in_mysql
from tests.e2e.days import BACKFILLED, DAY_1, DAY_2, DAY_3, Backfilled

pytestmark = pytest.mark.timeout(1500)


def test_a_backfill_gives_each_day_its_own_dump_and_again_the_same(
    checkout: Checkout, backfills: Future[list[Backfilled]]
):
    first, again = backfills.result(timeout=1200)
    assert set(first.states.values()) == {"success"}
    for day, content in first.flights.items():
        name = f"{BACKFILLED}/{day}/{BACKFILLED}.sql.gz"
        with dump_in_mysql(checkout.environment, checkout.environment["TRIBUTARY_DUMPS_BUCKET"], name) as cursor:
            cursor.execute("select count(*) from flights")
            assert content.rows == cursor.fetchone()[0], day
    assert first.flights[DAY_1].rows < first.flights[DAY_2].rows < first.flights[DAY_3].rows
    assert set(again.states.values()) == {"success"}
    assert again.flights == first.flights
