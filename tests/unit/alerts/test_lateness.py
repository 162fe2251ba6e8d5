"""What a late run is said to wait for, and which steps are slow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.alerts.moments import BEFORE, DAY, TICK, after, landed, letter, moment, registry, run, task
from tributary.alerts import lateness
from tributary.alerts.facts import Facts, Run, Task, due
from tributary.alerts.finding import Finding, Severity

LATER = after(hours=4)
HOUR = timedelta(hours=1)


def late(at: Any = LATER, **more: Any) -> Finding:
    (found,) = lateness.find(moment(at, landed=landed(shop_eu=BEFORE), **more), registry())
    return found


def with_task(task_id: str, state: str, **more: Any) -> Finding:
    one = run()
    tasks = (task(one, task_id, state), *more.pop("tasks", ()))
    return late(runs=(one, *more.pop("runs", ())), tasks=tasks, **more)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (run(), after(hours=3)),
        (run(run_type="manual", queued_at=after(hours=7)), after(hours=10)),
        (run(run_type="backfill", queued_at=None, run_after=after(hours=7)), after(hours=10)),
        (run(run_type="asset_triggered", queued_at=after(hours=1)), after(hours=4)),
        (run("consolidate"), after(hours=8)),
        # Queued while it could still come in time: the tick counts.
        (run(queued_at=after(hours=2)), after(hours=3)),
        # Cleared the next afternoon, or made by a scheduler that was down.
        (run(queued_at=after(hours=12)), after(hours=15)),
        (run("gone_from_the_registry"), after(hours=3)),
    ],
)
def test_when_a_run_is_due(one: Run, expected: Any):
    assert due(one, registry()) == expected


def test_a_run_is_late_from_the_minute_of_its_deadline_on_while_it_is_active():
    for at, state, number in (
        (after(hours=3, seconds=-1), "running", 0),
        (after(hours=3), "running", 1),
        (after(hours=3), "queued", 1),
        (after(hours=9), "success", 0),
        (after(hours=9), "failed", 0),
    ):
        assert len(lateness.find(moment(at, runs=(run(state=state),)), registry())) == number
    assert lateness.find(moment(LATER, runs=None), registry()) == []
    assert lateness.find(moment(LATER, runs=(run(),)), registry(), {("shop_eu", DAY)}) == []


def test_a_late_run_says_since_when_what_readers_see_and_where_to_look():
    found = late(runs=(run(),))
    assert (found.since, found.owner, found.severity) == (after(hours=3), "data-platform", Severity.ticket)
    assert found.readers == "consolidated shows 2013-01-02"
    assert found.url == "http://airflow/dags/elt__shop_eu/runs/scheduled__2013-01-02"
    assert "its deadline was 2013-01-02 05:00 UTC, 3 h after its tick of the schedule" in found.detail
    assert found.key == "late/shop_eu/2013-01-02"
    manual = late(at=after(hours=5), runs=(run(run_type="manual", queued_at=after(hours=1)),))
    assert "its deadline was 2013-01-02 06:00 UTC, 3 h after it was queued" in manual.detail


def test_nothing_that_is_said_changes_from_minute_to_minute():
    one = run()
    tasks = (task(one, "sync"),)
    assert late(runs=(one,), tasks=tasks) == late(at=after(hours=5), runs=(one,), tasks=tasks)


@pytest.mark.parametrize(
    ("task_id", "state", "more", "says", "cause"),
    [
        (
            "find_dump",
            "deferred",
            {"dumps": {("shop_eu", DAY): None}},
            "waits for the dump of 2013-01-02: none",
            "dump",
        ),
        ("find_dump", "deferred", {}, "find_dump waits for its dump", "dump"),
        ("find_dump", "deferred", {"dumps": {("shop_eu", DAY): TICK}}, "has not seen the dump that was left at", None),
        ("import_dump", "up_for_reschedule", {}, "another run uses the staging database, or the instance", None),
        ("import_dump", "scheduled", {}, "waits for a place in cloud_sql__staging", "cloud_sql__staging"),
        ("import_dump", "deferred", {}, "import_dump is at work", "import_dump/at-work"),
        ("sync", "queued", {}, "sync waits for a worker", "workers"),
        ("sync", "up_for_retry", {}, "sync has failed and waits for its next try", "sync/retry"),
        ("transform.orders_run", "running", {}, "transform is at work", "transform/at-work"),
        ("sync", "deferred", {"heartbeats": {"triggerer": TICK}}, "the triggerer has not been heard of", "triggerer"),
        ("sync", "running", {"heartbeats": {"triggerer": TICK}}, "sync is at work", "sync/at-work"),
        ("sync", "running", {"heartbeats": {"scheduler": None}}, "no scheduler has ever been heard of", "scheduler"),
        ("sync", "running", {"heartbeats": {}}, "sync is at work", "sync/at-work"),
    ],
)
def test_what_blocks_the_task_that_a_run_waits_for(
    task_id: str, state: str, more: dict[str, Any], says: str, cause: str | None
):
    found = with_task(task_id, state, **more)
    assert says in found.headline
    assert cause in (None, found.cause)


def test_models_that_follow_say_less_than_the_task_that_runs_dbt():
    one = run()
    found = late(
        runs=(one,),
        tasks=(task(one, "transform.orders_run", "deferred"), task(one, "transform.dbt_producer_watcher", "queued")),
    )
    assert "transform waits for a worker" in found.headline
    assert found.cause == "workers"


def test_an_import_names_the_one_that_has_its_pool():
    other = run("shop_us")
    found = with_task("import_dump", "queued", tasks=(task(other, "import_dump", "deferred"),))
    assert "waits for cloud_sql__staging, which has the import of shop_us" in found.headline


def test_since_when_in_which_try_and_what_is_usual():
    one = run()
    found = late(
        runs=(one,),
        tasks=(task(one, "sync", try_number=2, started_at=after(hours=1)),),
        usual={("elt__shop_eu", "sync"): 245.0},
    )
    assert "sync is at work since 2013-01-02 03:00 UTC, try 2" in found.detail
    assert "usually it takes 4 min" in found.detail


def test_a_queued_run_says_what_it_waits_for():
    queued = run(state="queued")
    assert "waits for the scheduler" in late(runs=(queued,)).headline
    assert "its DAG is paused" in late(runs=(queued,), paused=frozenset({"elt__shop_eu"})).headline
    before = run(day=BEFORE, run_type="manual", queued_at=LATER)
    assert "waits for the run of 2013-01-01: one runs at a time" in late(runs=(queued, before)).headline


def test_a_run_without_a_task_at_work_is_told_as_that():
    assert "between two of its steps" in late(runs=(run(),)).headline


def test_the_consolidation_names_the_databases_that_it_waits_for_and_how_they_are():
    one, shop, jfk = run("consolidate"), run(), run("airport_jfk", run_type="manual", queued_at=after(hours=8))
    facts = moment(
        after(hours=9),
        runs=(one, shop, jfk),
        tasks=(task(one, "await_databases", "deferred"), task(shop, "find_dump", "deferred")),
        landed=landed(shop_eu=BEFORE, shop_br=BEFORE, airport_jfk=None, airport_lga=BEFORE),
        dumps={("shop_eu", DAY): None},
        letters=(letter("shop_br"),),
    )
    found = {finding.subject: finding for finding in lateness.find(facts, registry(), {("shop_br", DAY)})}
    assert set(found) == {"shop_eu", "consolidate"}
    told = found["consolidate"]
    assert told.severity is Severity.page
    assert "waits for shop_eu, shop_br, airport_jfk, airport_lga" in told.headline
    assert told.detail[:4] == (
        "shop_eu is late: find_dump waits for the dump of 2013-01-02: none is in the bucket",
        "shop_br has failed",
        "airport_jfk is at work",
        "airport_lga has no run of 2013-01-02 at work",
    )


def slow_steps(*tasks: Task, at: Any = LATER, **more: Any) -> list[Finding]:
    facts: Facts = moment(at, runs=(run(), run("shop_us")), tasks=tasks, **more)
    return lateness.slow(facts, registry())


def test_a_step_is_slow_beyond_its_own_limit():
    begun = after(hours=1)
    for at, state, step, number in (
        (begun + 2 * HOUR, "running", "import_dump", 1),
        (begun + 2 * HOUR, "deferred", "sync", 1),
        (begun + 2 * HOUR - timedelta(seconds=1), "running", "sync", 0),
        (begun + 9 * HOUR, "up_for_retry", "sync", 0),
        (begun + 9 * HOUR, "running", "validate_raw", 0),
    ):
        assert len(slow_steps(task(run(), step, state, started_at=begun), at=at)) == number, step
    (found,) = slow_steps(task(run("shop_us"), "sync", started_at=begun))
    assert (found.key, found.since) == ("slow/shop_us/2013-01-02/sync", begun + 2 * HOUR)
    assert found.headline == "sync takes longer than its limit of 2 h"


def test_a_slow_step_is_a_warning_and_wakes_nobody():
    severe = registry().databases["shop_eu"].model_copy(update={"severity": Severity.page})
    changed = registry().model_copy(update={"databases": {"shop_eu": severe}})
    facts = moment(LATER, runs=(run(),), tasks=(task(run(), "sync"),))
    assert [one.severity for one in lateness.slow(facts, changed)] == [Severity.ticket]


def test_a_step_of_a_run_that_has_ended_is_not_slow():
    facts = moment(LATER, runs=(run(state="failed"),), tasks=(task(run(), "sync"),))
    assert lateness.slow(facts, registry()) == []


def test_the_latest_of_all_is_looked_at_first():
    runs = (run(), run("shop_us", day=BEFORE), run("consolidate", day=BEFORE))
    found = lateness.overdue(moment(LATER, runs=runs), registry())
    assert [one.subject for one in found] == ["shop_us", "consolidate", "shop_eu"]
