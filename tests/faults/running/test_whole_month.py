"""A backfill of a month in which some dumps never came."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from tests.e2e.content import Content, bigquery_content, columns_of, dump_in_mysql
from tests.faults.running.oracle import Oracle
from tests.faults.running.stack import Stack

pytestmark = pytest.mark.timeout(7200)

NAME = "airport_lga"
DAG_ID = f"elt__{NAME}"
# The days, from 0, whose dumps never came.
HOLES = (3, 10, 24)


def object_of(day: str) -> str:
    return f"{NAME}/{day}/{NAME}.sql.gz"


def wait_at_most(stack: Stack, seconds: int) -> None:
    """Have the database's runs wait this long for their dumps."""
    path = stack.checkout.folder / "include" / "databases.yaml"
    registry = yaml.safe_load(path.read_text())
    registry["databases"][NAME]["dump_wait"] = f"{seconds}s"
    path.write_text(yaml.safe_dump(registry, sort_keys=False))


def contents(stack: Stack, oracle: Oracle, days: list[str]) -> dict[str, tuple[Content, int]]:
    """What the marts hold of each day, and how many rows the day's dump has."""
    columns = sorted(columns_of(oracle.warehouse, f"{NAME}.flights"))
    found: dict[str, Any] = {}
    for day in days:
        content = bigquery_content(oracle.warehouse, f"{NAME}.flights", columns, f"_dump_date = '{day}'")
        with oracle.environment(), dump_in_mysql(stack.environment, stack.bucket, object_of(day)) as cursor:
            cursor.execute("select count(*) from flights")
            found[day] = (content, cursor.fetchone()[0])
    return found


@pytest.mark.case(
    "F25",
    "a backfill of 30 days, 3 dumps missing",
    expected="the 3 days fail with a record each, the others land; replay heals",
)
def test_a_month_with_holes(stack: Stack, oracle: Oracle, seen: Callable[[object], None]):
    first = date.fromisoformat(stack.next_day())
    days = [(first + timedelta(days=number)).isoformat() for number in range(30)]
    stack.checkout.simulator("advance", "--databases", NAME, "--date", days[-1])
    missing = [days[number] for number in HOLES]
    bucket = oracle.storage.bucket(stack.bucket)
    kept = {day: bucket.blob(object_of(day)).download_as_bytes() for day in missing}
    for day in missing:
        bucket.blob(object_of(day)).delete()
    wait_at_most(stack, 20)
    begin = time.monotonic()
    states = stack.checkout.backfill(DAG_ID, days, timeout=5400)
    seconds = time.monotonic() - begin
    assert {day for day, state in states.items() if state != "success"} == set(missing)
    letters = stack.letters()
    assert {letter["id"] for letter in letters} == {f"{NAME}/{day}/find_dump" for day in missing}
    assert {letter["tries"] for letter in letters} == {1}
    for day, (content, rows) in contents(stack, oracle, [day for day in days if day not in missing]).items():
        assert content.rows == rows, day

    for day, data in kept.items():
        bucket.blob(object_of(day)).upload_from_string(data)
    stack.checkout.run("./tributary", "dead-letters", "replay", "--all", "--wait", timeout=1800)
    assert not stack.letters()
    for day, (content, rows) in contents(stack, oracle, missing).items():
        assert content.rows == rows, day
    seen(f"{len(days)} days after {seconds:.0f} s, {len(letters)} records; none after the replay")
