"""Random histories on the real services: dumps, runs, kills, clears, backfills, replays and changes of the contract.

TRIBUTARY_FAULTS_HISTORIES is how many are played, the first with the seed TRIBUTARY_FAULTS_SEED. A failed one
says its seed and everything that happened in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.kiosk_world import KioskWorld
from tests.integration.operators import conftest as steps
from tests.integration.operators.conftest import Kiosk
from tests.support.histories import Chance, History

services, cloud, make_kiosk = steps.services, steps.cloud, steps.make_kiosk

FIRST_SEED = int(os.environ.get("TRIBUTARY_FAULTS_SEED", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("TRIBUTARY_FAULTS_HISTORIES", "5")))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed {seed}")
@pytest.mark.case(
    "F1, F8, F12-F15, B22", "5 to 12 crashes and doings of people, by chance",
    expected="raw holds the rows of one dump by checksum; one job a dump and step; all ended, nothing left over",
)  # fmt: skip
def test_any_history_ends_with_the_rows_of_one_dump(make_kiosk: Callable[[], Kiosk], seed: int):
    kiosk = make_kiosk()
    history = History(KioskWorld(kiosk))
    try:
        Chance(history, seed).play()
    finally:
        history.world.calm()
        kiosk.leave_airbyte()
