"""A round of the watch on real services: Airflow's REST API, the bucket, and the dataset `ops`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery, storage

from tests.integration.dead_letters.conftest import Airflow
from tests.support.services import LocalCloud
from tributary import naming
from tributary.alerts.facts import Facts
from tributary.alerts.finding import Kind
from tributary.alerts.findings import findings_of
from tributary.alerts.gathering import Gathering
from tributary.dead_letters.store import LetterStore
from tributary.dead_letters.sweep import Sweep
from tributary.ledger.store import OpsStore, execute
from tributary.registry import Registry, load_registry

FIRST, SECOND = date(2013, 1, 1), date(2013, 1, 2)


@pytest.fixture
def ops(cloud: LocalCloud) -> Iterator[OpsStore]:
    """The dataset `ops`, with none of what other tests have left in it."""
    store = OpsStore(bigquery.Client(location="US"), "US")
    store.create_tables()
    for table in ("runs", "published"):
        execute(store.client, f"delete from ops.{table} where true")
    yield store
    execute(store.client, "delete from ops.task_durations_log where true")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "toys.yaml").write_text(
        "app: toys\ntables: {toys: {primary_key: [id], columns: {id: {type: int}}}}\n"
    )
    (tmp_path / "databases.yaml").write_text(
        "defaults: {start_date: 2013-01-01}\ndatabases: {kiosk: {app: toys}, other: {app: toys}}\n"
    )
    return load_registry(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten hours of the second day have passed."""
    (tmp_path / "clock").write_text("2013-01-02T12:00:00+00:00")
    monkeypatch.setenv("TRIBUTARY_CLOCK_FILE", str(tmp_path / "clock"))


def gathered(airflow: Airflow, store: LetterStore, ops: OpsStore, cloud: LocalCloud, registry: Registry) -> Facts:
    seen = dict.fromkeys(("kiosk", "other", "consolidate"), datetime(2012, 12, 1, tzinfo=UTC))
    watch = Gathering(airflow.steps, ops, store.bucket, storage.Client(), cloud.bucket)
    return watch.facts(registry, seen)


def land(ops: OpsStore, database: str, day: date, *states: str) -> None:
    for state in states:
        ops.record_state(
            state, database=database, dump_date=day, run_id="run", dump_uri="gs://x", dump_generation=1, rows=1
        )


def publish(ops: OpsStore, day: date, minute: int, kind: str = "publish") -> None:
    sql = f"""
    insert into ops.published (version, run_id, day, as_of, tables, row_count, kind, published_at)
    select 'v{day}', 'run', date '{day}', '{{"kiosk": "{day}"}}', '{{}}', 1, '{kind}',
        timestamp '2026-01-01 00:{minute:02}:00'
    """
    execute(ops.client, sql)


def test_what_has_landed_and_what_readers_see(ops: OpsStore, cloud: LocalCloud):
    assert ops.query("ops/freshness") == []
    land(ops, "kiosk", FIRST, "transforming", "landed")
    land(ops, "kiosk", SECOND, "transforming", "landed", "transforming")
    land(ops, "other", SECOND, "landed")
    publish(ops, FIRST, 1)
    publish(ops, SECOND, 2)
    publish(ops, FIRST, 3, "rollback")
    found = {row["database"]: (row["day"], row["newest_day"]) for row in ops.query("ops/freshness")}
    assert found == {"kiosk": (FIRST, FIRST), "other": (SECOND, SECOND), None: (FIRST, SECOND)}


def test_what_a_step_usually_takes(ops: OpsStore, cloud: LocalCloud):
    now = datetime.now(UTC)
    rows: list[tuple[Any, ...]] = [("elt__kiosk", "sync", "sync", "success", number) for number in range(20)]
    rows += [
        ("elt__kiosk", "sync", "sync", "failed", 900),
        ("elt__kiosk", "transform.a_run", "transform", "success", 1),
    ]
    rows.append(("elt__kiosk", f"transform.{naming.DBT_PRODUCER}", "transform", "success", 60))
    ops.append(
        "task_durations_log",
        [
            {
                "dag_id": dag, "run_id": f"run_{number}", "task_id": task, "step": step, "try_number": 1,
                "state": state, "ended_at": (now - timedelta(hours=seconds)).isoformat(), "duration_seconds": seconds,
            }
            for number, (dag, task, step, state, seconds) in enumerate(rows)
        ],
    )  # fmt: skip
    since = (now - timedelta(days=60)).isoformat()
    found = ops.query("ops/usual_durations", since=since, producer=naming.DBT_PRODUCER)
    usual = {row["task_id"]: row["duration_seconds"] for row in found}
    # Of the newest fourteen, 0 to 13, the lower of the two in the middle.
    assert usual == {"sync": 6.0, f"transform.{naming.DBT_PRODUCER}": 60.0}


@pytest.mark.usefixtures("clock")
def test_a_failed_step_a_run_at_work_and_a_day_without_a_run(
    airflow: Airflow, store: LetterStore, ops: OpsStore, cloud: LocalCloud, registry: Registry
):
    land(ops, "kiosk", FIRST, "landed")
    land(ops, "other", FIRST, "landed")
    publish(ops, SECOND, 1)
    run_id = airflow.start(date=f"{SECOND}")
    airflow.set(run_id, "failed", "sync")
    airflow.steps._runs.clear()
    Sweep(store, airflow.steps).run(1)
    facts = gathered(airflow, store, ops, cloud, registry)
    assert facts.unknown == ()
    assert {one.run_id for one in facts.runs or ()} >= {run_id}
    assert facts.dumps[("other", SECOND)] is None
    found = [one for one in findings_of(facts, registry) if one.run_id in (run_id, None) and one.day == SECOND]
    kinds = {(one.kind, one.subject) for one in found}
    assert kinds >= {(Kind.failed, "kiosk"), (Kind.stale, "other")}
    assert (Kind.stale, "kiosk") not in kinds
    (stale,) = (one for one in found if one.kind is Kind.stale)
    # No scheduler runs here.
    assert "no run was made, no scheduler has ever been heard of" in stale.headline
    assert "no dump of 2013-01-02 is in the bucket" in stale.detail


@pytest.mark.usefixtures("clock")
def test_a_day_that_a_person_gave_up_is_not_stale(
    airflow: Airflow, store: LetterStore, ops: OpsStore, cloud: LocalCloud, registry: Registry
):
    land(ops, "other", SECOND, "landed")
    land(ops, "kiosk", FIRST, "landed")
    run_id = airflow.start(date=f"{SECOND}")
    airflow.set(run_id, "failed", "preflight")
    airflow.steps._runs.clear()
    Sweep(store, airflow.steps).run(1)
    ids = [one.id for one in store.bucket.list("kiosk") if one.dump_date == SECOND]
    store.change(ids, lambda one: one.resolved(datetime.now(UTC), "me", "the source was off"))
    facts = gathered(airflow, store, ops, cloud, registry)
    assert ("kiosk", SECOND) in facts.given_up
    assert ("kiosk", Kind.stale) not in {(one.subject, one.kind) for one in findings_of(facts, registry)}
    storage.Client().bucket(cloud.bucket).blob("kiosk/2013-01-02/kiosk.sql.gz").upload_from_string("x")
    left = gathered(airflow, store, ops, cloud, registry).dumps[("kiosk", SECOND)]
    assert left is not None
