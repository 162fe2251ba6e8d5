"""What is removed from `ops` after its time, and what stays because later runs look back at it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.support.services import LocalCloud
from tributary.ledger.store import OpsStore
from tributary.ops_records.expiry import BY_PARTITION, expire
from tributary.versions import published

KEEP = timedelta(days=400)
OLD = timedelta(days=500)


def landed(store: OpsStore, database: str, day: date, *, age: timedelta, state: str = "landed") -> None:
    """A run of that day, with its counts, all written `age` ago."""
    about = {"database": database, "dump_date": day, "run_id": f"manual__{day}"}
    store.record_counts("marts", {"orders": day.day}, **about)
    store.record_state(state, **about, dump_uri="gs://d/x.sql", dump_generation=1, rows=day.day)
    moment = datetime.now(UTC) - age
    for table in ("ledger_log", "runs"):
        where = f"database = '{database}' and dump_date = date '{day}' and recorded_at > '{moment.isoformat()}'"
        update = f"update ops.{table} set recorded_at = timestamp '{moment.isoformat()}' where {where}"
        store.client.query(update).result()


def days(store: OpsStore, table: str, database: str) -> list[int]:
    query = f"select distinct dump_date from ops.{table} where database = '{database}' order by dump_date"
    return [row["dump_date"].day for row in store.client.query(query).result()]


@pytest.mark.parametrize("table", ["runs", "ledger_log"])
def test_the_two_newest_landed_days_of_a_database_stay_however_old(store: OpsStore, table: str):
    for number in (1, 2, 3):
        landed(store, "late", date(2013, 1, number), age=OLD)
    landed(store, "late", date(2013, 1, 4), age=OLD, state="transforming")
    for number in (1, 2, 3):
        landed(store, "other", date(2013, 1, number), age=OLD)
    landed(store, "other", date(2013, 1, 4), age=timedelta(days=1))
    landed(store, "other", date(2013, 1, 5), age=timedelta(days=1), state="transforming")
    expire(store, KEEP)
    assert days(store, table, "late") == [2, 3]
    assert days(store, table, "other") == [3, 4, 5]


def test_what_guards_and_the_consolidation_ask_for_is_the_same_afterwards(store: OpsStore):
    for number in (1, 2, 3):
        landed(store, "late", date(2013, 1, number), age=OLD)

    def seen() -> tuple[Any, ...]:
        counts = store.query("ops/mart_counts", wanted='[{"database": "late", "dump_date": "2013-01-03"}]')
        before = store.previous_counts("marts", "late", date(2013, 1, 4))
        return store.landed(date.max), before, store.previous_counts("marts", "late", date(2013, 1, 3)), counts

    before = seen()
    expire(store, KEEP)
    assert seen() == before
    assert before[1:3] == ({"orders": 3}, {"orders": 2})


def test_what_is_younger_stays_whole(store: OpsStore):
    for number in (1, 2, 3, 4):
        landed(store, "young", date(2013, 1, number), age=timedelta(days=399))
    expire(store, KEEP)
    assert days(store, "runs", "young") == days(store, "ledger_log", "young") == [1, 2, 3, 4]


def test_results_of_checks_go_by_the_time_of_the_check_and_not_by_the_day_of_the_dump(store: OpsStore):
    result = {
        "run_id": "r", "database": "shop", "dump_date": date(2013, 1, 1), "dataset": "raw__shop", "layer": "raw",
        "table_name": "orders", "expectation": "schema", "origin": "x", "status": "passed",
    }  # fmt: skip
    now = datetime.now(UTC)
    results = [{**result, "rule": "old", "checked_at": now - OLD}, {**result, "rule": "new", "checked_at": now}]
    store.append("quality_results", results)
    expire(store, KEEP)
    assert [row["rule"] for row in store.client.query("select rule from ops.quality_results").result()] == ["new"]


def test_what_people_decided_and_what_was_published_stays(store: OpsStore):
    moment = datetime.now(UTC) - OLD
    store.append("holds", [{"state": "held", "set_by": "somebody", "why": "x"}])
    store.client.query(f"update ops.holds set recorded_at = timestamp '{moment.isoformat()}' where true").result()
    values = f"'v1', 'r', date '2013-01-01', '{{}}', '{{}}', 0, 'publish', null, null, timestamp '{moment.isoformat()}'"
    store.client.query(f"insert into ops.published select {values}").result()
    expire(store, KEEP)
    assert [one.version for one in published(store)] == ["v1"]
    assert len(store.query("ops/newest_hold")) == 1


def test_bigquery_is_told_when_partitions_end(store: OpsStore):
    """By the statements that it was sent: the emulator takes options of a table and forgets them."""
    before = {job.job_id for job in store.client.list_jobs()}
    expire(store, KEEP)
    sent = [job for job in store.client.list_jobs() if job.job_id not in before and "alter table" in job.query]
    option = "set options (partition_expiration_days = 400)"
    assert {job.query.splitlines()[-1] for job in sent} == {f"alter table ops.{name} {option}" for name in BY_PARTITION}
    assert {job.error_result for job in sent} == {None}


def test_it_may_be_the_first_that_ops_sees(cloud: LocalCloud, store: OpsStore):
    store.client.delete_dataset("ops", delete_contents=True)
    expire(store, KEEP)
    assert days(store, "runs", "shop") == []
