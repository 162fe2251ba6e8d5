"""What other systems were told of the days that the tests before this one have played: lineage and metrics.

After those by its name: its metrics are those of failures, replays and recoveries, too.
"""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.checkout import Checkout
from tests.support.datadog_files import missing
from tests.support.lineage import databases_of_tables, holes, paths, read_events
from tributary.registry import load_registry

pytestmark = pytest.mark.timeout(900)


def test_every_table_of_consolidated_is_led_back_to_the_dumps_of_its_databases(checkout: Checkout, first_day: str):
    # One more than here: the tests before this one have added a database.
    registry = load_registry(checkout.folder / "include")
    expected = databases_of_tables(registry, registry.consolidated_databases)
    found = paths(read_events(checkout.folder / ".local" / "lineage" / "events.jsonl"))
    assert set(found) == set(expected)
    assert not holes(found, expected, checkout.environment["TRIBUTARY_DUMPS_BUCKET"])


def test_every_metric_that_datadog_s_files_use_was_on_the_wire(checkout: Checkout, first_day: str):
    environment = checkout.environment
    # A night later nothing has landed, and the jobs so far are counted.
    clock = Path(environment["TRIBUTARY_CLOCK_FILE"])
    before = clock.read_text()
    clock.write_text("2013-02-01T12:00:00+00:00\n")
    airflow = str(checkout.folder / ".local" / "envs" / "airflow" / "bin" / "airflow")
    checkout.run(airflow, "dags", "trigger", "housekeeping")
    url = f"http://127.0.0.1:{environment['LOCALCLOUD_DOGSTATSD_PORT']}/metrics"
    end = time.monotonic() + 180
    try:
        while absent := missing(httpx.get(url, timeout=30).json()):
            assert time.monotonic() < end, absent
            time.sleep(3)
    finally:
        clock.write_text(before)
    assert not httpx.get(url, timeout=30).json()["malformed"]
