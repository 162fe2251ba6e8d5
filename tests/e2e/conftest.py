"""One stack for all tests of this folder, and what has happened on it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.e2e.checkout import Checkout
from tests.e2e.days import (
    BACKFILLED,
    BACKFILLED_DAYS,
    Backfilled,
    end_backfill_and_repeat_it,
    prepare_second_day,
)
from tests.support.recorded_sql import Analysis


@pytest.fixture(scope="session")
def checkout(root: Path) -> Iterator[Checkout]:
    folder = root / ".local" / "e2e" / str(int(time.time()))
    checkout = Checkout.create(folder)
    checkout.recorded = folder / ".local" / "wire"
    yield checkout
    checkout.run("make", "stop", check=False)


@pytest.fixture(scope="session")
def first_day(checkout: Checkout) -> str:
    """`make run` on a folder where nothing ever ran; returns what it printed."""
    return checkout.run("make", "run").stdout


@pytest.fixture(scope="session")
def warehouse(checkout: Checkout, first_day: str) -> bigquery.Client:
    return bigquery.Client(
        project="tributary-local",
        credentials=AnonymousCredentials(),
        location="US",
        client_options={"api_endpoint": checkout.environment["BIGQUERY_EMULATOR_HOST"]},
    )


@pytest.fixture(scope="session")
def second_day(checkout: Checkout, first_day: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """The next day, with a fault in shop_us and new databases; what `make run` said, and shop_us' orders before it."""
    before = checkout.query("select * from consolidated.orders where _database = 'shop_us' order by order_id")
    prepare_second_day(checkout)
    return checkout.run("make", "run", check=False), before


@pytest.fixture(scope="session")
def backfills(checkout: Checkout, warehouse: bigquery.Client, second_day: Any) -> Iterator[Future[list[Backfilled]]]:
    """Two backfills of the same days, one after the other, beside whatever the tests do meanwhile.

    The first has begun. Most of their time is waiting, for one run has the staging database at a time.
    """
    checkout.simulator("advance", "--databases", BACKFILLED)
    checkout.begin_backfill(f"elt__{BACKFILLED}", BACKFILLED_DAYS)
    pool = ThreadPoolExecutor(1)
    yield pool.submit(end_backfill_and_repeat_it, checkout, warehouse)
    # Where nobody waited for them, they end with the stack.
    pool.shutdown(wait=False)


@pytest.fixture(scope="session")
def analysis(warehouse: bigquery.Client, backfills: Any) -> Iterator[Future[Analysis]]:
    """Google's analyzer, which has begun with what was sent in two days; it takes a minute of a processor."""

    def begin() -> Analysis:
        # Beside the stack, which is waited for.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        analysis = Analysis(warehouse)
        analysis.refusals()
        return analysis

    pool = ThreadPoolExecutor(1)
    yield pool.submit(begin)
    pool.shutdown(wait=False)
