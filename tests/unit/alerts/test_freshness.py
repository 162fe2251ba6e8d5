"""What is stale, from which moment on, and why as far as that is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.unit.alerts.moments import BEFORE, DATABASES, DAY, after, landed, letter, moment, registry, run
from tributary.alerts import freshness
from tributary.alerts.facts import Facts, Landed, Published
from tributary.alerts.finding import Finding, Severity
from tributary.dead_letters.record import DAG_IMPORT

NEXT = date(2013, 1, 3)


def stale(facts: Facts, **more: Any) -> list[Finding]:
    return freshness.find(facts, registry(), **more)


LATER = after(hours=4)


def of_shop(at: datetime = LATER, **more: Any) -> Finding:
    (found,) = stale(moment(at, **{"landed": landed(shop_eu=BEFORE), **more}))
    return found


@pytest.mark.parametrize(
    ("at", "number"),
    [(after(hours=3, seconds=-1), 0), (after(hours=3), 1), (after(hours=23), 1), (after(hours=26, minutes=59), 1)],
)
def test_a_day_is_missing_from_its_deadline_on(at: datetime, number: int):
    assert len(stale(moment(at, landed=landed(shop_eu=BEFORE)))) == number


def test_what_is_missing_for_days_stays_one_finding():
    keys = {of_shop(at, landed=landed(NEXT, NEXT, shop_eu=BEFORE)).key for at in (after(hours=4), after(hours=30))}
    assert keys == {"stale/shop_eu/2013-01-02"}
    later = of_shop(after(hours=30), landed=landed(NEXT, NEXT, shop_eu=BEFORE))
    assert later.headline.startswith("2013-01-02 to 2013-01-03 has not landed")
    assert later.command == "tributary run --date 2013-01-03 --database shop_eu"


def test_a_later_day_that_has_landed_is_as_good():
    assert stale(moment(after(hours=4), landed=landed(NEXT, NEXT))) == []


def test_where_nothing_is_known_nothing_is_stale():
    assert stale(moment(after(hours=40), landed=None)) == []


def test_readers_severity_and_time_are_told():
    found = of_shop(after(hours=4), landed=landed(shop_eu=BEFORE, published=BEFORE))
    assert found.since == after(hours=3)
    assert found.severity is Severity.ticket
    assert found.readers == "consolidated shows 2013-01-01, 1 day old"
    assert found.url == "http://airflow/dags/elt__shop_eu"
    assert "its deadline was 2013-01-02 05:00 UTC, 3 h after its tick of the schedule" in found.detail


def test_since_when_is_told_in_real_time_where_production_has_a_calendar_of_its_own():
    real = datetime(2026, 11, 20, 12, tzinfo=UTC)
    (found,) = stale(moment(real, clock=after(hours=4), landed=landed(shop_eu=BEFORE)))
    assert found.since == real - timedelta(hours=1)


def test_consolidated_has_its_own_deadline_and_is_not_stale_because_a_database_is():
    facts = moment(after(hours=9), landed=landed(shop_eu=BEFORE))
    assert [one.subject for one in stale(facts)] == ["shop_eu"]
    facts = moment(after(hours=7, minutes=59), landed=landed(published=BEFORE))
    assert stale(facts) == []
    (found,) = stale(moment(after(hours=8), landed=landed(published=BEFORE)))
    assert (found.subject, found.severity) == ("consolidate", Severity.page)
    assert found.headline == "2013-01-02 is not published: no run was made"
    assert found.command == "tributary run --date 2013-01-02"


def test_a_rollback_is_no_delay():
    published = Published(day=BEFORE, newest=DAY)
    facts = moment(after(hours=9), landed=Landed(days=dict.fromkeys(DATABASES, DAY), published=published))
    assert stale(facts) == []
    assert facts.readers("consolidate", registry()) == "consolidated shows 2013-01-01, 1 day old"


def test_a_run_that_is_at_work_or_a_failure_that_is_told_tells_it():
    facts = moment(after(hours=4), landed=landed(shop_eu=BEFORE), runs=(run(state="queued"),))
    assert stale(facts) == []
    facts = moment(after(hours=4), landed=landed(shop_eu=BEFORE))
    assert stale(facts, failed={("shop_eu", DAY)}) == []
    assert stale(facts, late={("shop_eu", DAY)}) == []
    assert len(stale(facts, failed={("shop_eu", BEFORE), ("shop_us", DAY)})) == 1
    other_day = moment(after(hours=4), landed=landed(shop_eu=BEFORE), runs=(run(day=BEFORE),))
    assert len(stale(other_day)) == 1


def test_what_a_person_has_given_up_is_not_asked_for():
    facts = moment(after(hours=4), landed=landed(shop_eu=BEFORE), given_up=frozenset({("shop_eu", DAY)}))
    assert stale(facts) == []


def test_a_failure_of_this_minute_is_told_by_its_record():
    failed = run(state="failed", ended_at=after(hours=4))
    facts = {"landed": landed(shop_eu=BEFORE), "runs": (failed,)}
    assert stale(moment(after(hours=4, minutes=9), **facts)) == []
    (found,) = stale(moment(after(hours=4, minutes=11), **facts))
    assert "its run failed, and there is no open record of it" in found.headline


def test_once_stale_it_stays_so_while_a_run_is_at_work_until_the_rows_are_there():
    one = run(queued_at=after(hours=5), started_at=after(hours=5))
    facts = moment(after(hours=6), landed=landed(shop_eu=BEFORE), runs=(one,))
    key = "stale/shop_eu/2013-01-02"
    (found,) = stale(facts, before={key})
    assert found.run_id == one.run_id
    assert "a run of it is at work since 2013-01-02 07:00 UTC" in found.headline
    assert found.command is None
    assert stale(facts, before={key}, failed={("shop_eu", DAY)}) == []
    assert stale(moment(after(hours=6), runs=(one,)), before={key}) == []


@pytest.mark.parametrize(
    ("more", "says", "cause"),
    [
        ({}, "no run was made", "no-run"),
        ({"paused": frozenset({"elt__shop_eu"})}, "its DAG is paused", "paused"),
        ({"heartbeats": {"scheduler": after(hours=1)}}, "no run was made, the scheduler has not been", "scheduler"),
        ({"heartbeats": {"scheduler": None}}, "no run was made, no scheduler has ever been heard of", "scheduler"),
        ({"runs": None, "last_runs": None}, "Airflow does not answer", "airflow"),
        ({"runs": (run(state="success", ended_at=after(hours=1)),)}, "its run ended well and left nothing", "ended"),
        ({"letters": (letter("dags.elt", DAG_IMPORT, database=None),)}, "dags.elt does not import", "dag_import"),
    ],
)
def test_why_as_far_as_that_is_known(more: dict[str, Any], says: str, cause: str):
    found = of_shop(**more)
    assert says in found.headline
    assert found.cause == cause


def test_whether_its_dump_is_in_the_bucket():
    assert "no dump of 2013-01-02 is in the bucket" in of_shop(dumps={("shop_eu", DAY): None}).detail
    lies = of_shop(dumps={("shop_eu", DAY): after(hours=1)}).detail
    assert "its dump lies in the bucket since 2013-01-02 03:00 UTC" in lies


def test_an_api_that_was_away_for_a_moment_is_taken_for_what_it_last_said():
    facts = moment(after(hours=4), landed=landed(shop_eu=BEFORE), runs=None, last_runs=(run(),))
    assert stale(facts) == []


def first_night(seen: datetime, at: datetime) -> list[str]:
    facts = moment(at, landed=landed(NEXT, NEXT, shop_eu=None), first_seen={"shop_eu": seen})
    return [one.subject for one in stale(facts)]


def test_a_database_has_until_the_deadline_of_its_first_tick_after_it_was_added():
    added = after(hours=-6)
    assert first_night(added, after(hours=2, minutes=59)) == []
    assert first_night(added, after(hours=3)) == ["shop_eu"]
    # Added after the tick: the first one comes in the next night.
    assert first_night(after(minutes=1), after(hours=12)) == []
    assert first_night(after(minutes=1), after(hours=27)) == ["shop_eu"]


def test_what_was_never_seen_before_is_new_now():
    assert stale(moment(after(hours=12), landed=Landed())) == []


def test_nothing_is_expected_before_the_registry_begins():
    facts = moment(datetime(2012, 12, 31, 23, tzinfo=UTC), landed=landed(date(2012, 12, 20)))
    assert stale(facts) == []
    seen = dict.fromkeys(DATABASES, datetime(2012, 12, 1, tzinfo=UTC))
    first = datetime(2013, 1, 1, 5, tzinfo=UTC)
    for at, number in ((first - timedelta(seconds=1), 0), (first, 6)):
        assert len(stale(moment(at, landed=Landed(), first_seen=seen))) == number


def test_the_age_of_the_data_counts_from_its_tick():
    facts = moment(after(hours=30), landed=landed(shop_eu=BEFORE, shop_us=None))
    ages = [freshness.age_seconds(name, facts, registry()) for name in ("shop_eu", "shop_br", "shop_us", "consolidate")]
    assert ages == [54 * 3600, 30 * 3600, None, 30 * 3600]
    assert freshness.age_seconds("shop_eu", moment(after(), landed=None), registry()) is None


def test_a_thousand_databases_are_looked_at_in_a_moment():
    one = registry().databases["shop_eu"]
    many = {f"shop_{number}": one.model_copy(update={"name": f"shop_{number}"}) for number in range(1000)}
    large = registry().model_copy(update={"databases": many})
    facts = moment(after(hours=4), landed=Landed(days=dict.fromkeys(many, BEFORE)))
    assert len(freshness.find(facts, large)) == 1000
