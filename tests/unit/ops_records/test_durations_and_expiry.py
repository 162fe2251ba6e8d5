"""Rows of task durations, from tasks as Airflow's API describes them; and when `ops` is tidied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tributary.ledger.store import TABLES
from tributary.operators.expire_ops import is_due
from tributary.ops_records import expiry
from tributary.ops_records.task_durations import has_run, is_ours, key_of, record_task_durations, row_of
from tributary.sqlfiles import SQL

QUARTER = timedelta(minutes=15)


def task(**other: Any) -> dict[str, Any]:
    return {
        "dag_id": "elt__shop_eu", "dag_run_id": "r", "task_id": "transform.dbt_producer_watcher", "try_number": 1,
        "state": "success", "queued_when": "2013-01-02T02:00:00Z", "start_date": "2013-01-02T02:00:01.500000Z",
        "end_date": "2013-01-02T02:01:01.500000Z", **other,
    }  # fmt: skip


def test_a_try_has_its_step_and_its_times():
    row = row_of(task())
    assert (row["database"], row["step"], row["try_number"]) == ("shop_eu", "transform", 1)
    assert (row["duration_seconds"], row["queued_seconds"]) == (60.0, 1.5)


def test_what_was_deferred_or_never_began_has_no_time_in_the_queue():
    deferred = row_of(task(queued_when="2013-01-02T02:00:30Z"))
    assert (deferred["duration_seconds"], deferred["queued_seconds"]) == (60.0, None)
    skipped = row_of(task(queued_when=None, start_date=None, state="skipped"))
    assert (skipped["duration_seconds"], skipped["queued_seconds"], skipped["started_at"]) == (None, None, None)


def test_the_consolidation_has_no_database():
    assert row_of(task(dag_id="consolidate", task_id="publish"))["database"] is None


@pytest.mark.parametrize(
    ("dag_id", "ours"),
    [("elt__a", True), ("consolidate", True), ("housekeeping", True), ("elt__", False), ("somebody_elses", False)],
)
def test_only_our_own_dags_are_recorded(dag_id: str, ours: bool):
    assert is_ours(dag_id) is ours


@pytest.mark.parametrize(
    ("task_id", "runs"),
    [("sync", True), ("transform.dbt_producer_watcher", True), ("transform.orders_run", False)],
)
def test_only_tasks_that_run_something_are_recorded(task_id: str, runs: bool):
    assert has_run(task(task_id=task_id)) is runs


class OneTask:
    """An Airflow with one task whose run is gone, which was tried three times; and the rows that were appended."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.rows: list[dict[str, Any]] = []

    def ended_tasks(self, *_: Any) -> list[dict[str, Any]]:
        return [self.task]

    def tries(self, *_: Any) -> list[dict[str, Any]]:
        ends = {1: "2013-01-02T02:00:10Z", 2: None}
        before = [
            {**self.task, "try_number": number, "state": "failed", "end_date": end} for number, end in ends.items()
        ]
        return [*before, self.task]

    def find_run(self, *_: Any) -> None:
        return None

    def append_all(self, _: str, rows: list[dict[str, Any]]) -> None:
        self.rows += rows


def test_a_try_whose_run_is_gone_is_recorded_without_its_day():
    world: Any = OneTask(task())
    assert record_task_durations(world, world, datetime.now(UTC)) == 1
    assert world.rows[0]["dump_date"] is None


def test_tries_that_failed_before_the_last_one_are_recorded_with_it():
    world: Any = OneTask(task(try_number=3))
    assert record_task_durations(world, world, datetime.now(UTC)) == 2
    assert [(row["try_number"], row["state"]) for row in world.rows] == [(3, "success"), (1, "failed")]
    known = {key_of(row) for row in world.rows[:1]}
    assert record_task_durations(world, world, datetime.now(UTC), known) == 0


@pytest.mark.parametrize(
    ("run_type", "moment", "due"),
    [
        ("scheduled", datetime(2013, 1, 2, 0, 0, tzinfo=UTC), True),
        ("scheduled", datetime(2013, 1, 2, 0, 14, tzinfo=UTC), True),
        ("scheduled", datetime(2013, 1, 2, 0, 15, tzinfo=UTC), False),
        ("scheduled", datetime(2013, 1, 1, 23, 45, tzinfo=UTC), False),
        ("manual", datetime(2013, 1, 1, 23, 45, tzinfo=UTC), True),
    ],
)
def test_ops_is_tidied_by_the_first_run_of_a_day_and_by_people(run_type: str, moment: datetime, due: bool):
    assert is_due(run_type, moment, QUARTER) is due


def test_every_table_of_ops_has_its_way_to_be_forgotten():
    views = {table for table in TABLES if "create view" in (SQL / "ops" / f"{table}.sql").read_text()}
    ways = [*expiry.BY_PARTITION, *expiry.BY_STATEMENT, *expiry.FOR_GOOD]
    assert sorted(ways) == sorted(set(TABLES) - views)


def test_partitions_that_expire_are_days_of_writing():
    for table in expiry.BY_PARTITION:
        assert "partition by date(recorded_at)" in (SQL / "ops" / f"{table}.sql").read_text()
