"""The life of one run, minute by minute: how often its lateness is told, and by what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.unit.alerts.moments import BEFORE, DAY, after, landed, letter, moment, registry, run, task
from tributary.alerts.facts import Facts
from tributary.alerts.finding import Finding, Kind
from tributary.alerts.findings import findings_of
from tributary.dead_letters.record import Status

SHOP = {"shop_eu": BEFORE}
World = Callable[[timedelta, datetime], Facts]


class Told:
    """All that was wrong in some hours, by key: when it was found first and was gone again."""

    def __init__(self, world: World, hours: float = 24) -> None:
        self.found: dict[str, tuple[Finding, timedelta, timedelta | None]] = {}
        before: list[Finding] = []
        for minute in range(int(hours * 60)):
            passed = timedelta(minutes=minute)
            now = findings_of(world(passed, after(minutes=minute)), registry(), before)
            keys = {one.key for one in now}
            assert len(keys) == len(now), "a thing is told twice at a time"
            for one in now:
                first = self.found.get(one.key, (one, passed, None))
                assert first[2] is None, f"{one.key} was healed at {first[2]} and is back at {passed}"
                self.found[one.key] = (one, first[1], None)
            for one in before:
                if one.key not in keys:
                    self.found[one.key] = (self.found[one.key][0], self.found[one.key][1], passed)
            before = now

    def kinds(self) -> list[Kind]:
        return [one.kind for one, _, _ in self.found.values()]

    def only(self) -> tuple[Finding, timedelta, timedelta | None]:
        (one,) = self.found.values()
        return one


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def world(at: datetime, **more: Any) -> Facts:
    """The consolidation is left out: it waits, within its own deadline."""
    return moment(at, **more)


def test_a_run_that_waits_for_its_dump_beyond_its_deadline_is_late_once():
    def waits(passed: timedelta, at: datetime) -> Facts:
        if passed >= hours(10):
            return world(at, runs=(run(state="success", ended_at=after(hours=10)),))
        late = run()
        if passed >= hours(9):
            tasks = (task(late, "sync", started_at=after(hours=9)),)
            return world(at, runs=(late,), tasks=tasks, landed=landed(**SHOP), dumps={("shop_eu", DAY): after(hours=9)})
        tasks = (task(late, "find_dump", "deferred"),)
        return world(at, runs=(late,), tasks=tasks, landed=landed(**SHOP), dumps={("shop_eu", DAY): None})

    one, begun, healed = Told(waits).only()
    assert (one.kind, one.subject, one.day) == (Kind.late, "shop_eu", DAY)
    assert (begun, healed) == (hours(3), hours(10))


def test_a_run_that_failed_before_its_deadline_is_told_by_its_failure_alone():
    def fails(passed: timedelta, at: datetime) -> Facts:
        if passed < hours(1):
            return world(at, runs=(run(),), landed=landed(**SHOP))
        failed = run(state="failed", ended_at=after(hours=1))
        return world(at, runs=(failed,), landed=landed(**SHOP), letters=(letter(at=60),))

    one, begun, healed = Told(fails).only()
    assert (one.kind, one.step, begun, healed) == (Kind.failed, "sync", hours(1), None)


def test_a_run_that_never_started_is_found_by_its_data_once():
    def paused(passed: timedelta, at: datetime) -> Facts:
        facts = world(at, landed=landed(**SHOP), paused=frozenset({"elt__shop_eu"}))
        return facts if passed < hours(12) else world(at)

    one, begun, healed = Told(paused).only()
    assert (one.kind, one.subject, one.day) == (Kind.stale, "shop_eu", DAY)
    assert "its DAG is paused" in one.headline
    assert (begun, healed) == (hours(3), hours(12))


def test_a_run_that_recovered_before_its_deadline_is_not_told():
    def recovers(passed: timedelta, at: datetime) -> Facts:
        if passed >= hours(2.5):
            return world(at, runs=(run(state="success", ended_at=after(hours=2.5)),))
        tried = run()
        return world(
            at, runs=(tried,), tasks=(task(tried, "sync", "up_for_retry", try_number=3),), landed=landed(**SHOP)
        )

    assert Told(recovers).found == {}


def test_a_late_run_that_fails_is_told_by_its_failure_from_then_on():
    def fails(passed: timedelta, at: datetime) -> Facts:
        if passed < hours(5):
            return world(at, runs=(run(),), landed=landed(**SHOP))
        failed = run(state="failed", ended_at=after(hours=5))
        return world(at, runs=(failed,), landed=landed(**SHOP), letters=(letter(at=300),))

    told = Told(fails)
    assert told.kinds() == [Kind.late, Kind.failed]
    assert [(begun, healed) for _, begun, healed in told.found.values()] == [(hours(3), hours(5)), (hours(5), None)]


def test_what_was_stale_stays_so_until_its_rows_have_landed_though_a_run_begins():
    """The scheduler was down from before the tick until 06:00; the run that it makes then is late already."""

    def down(passed: timedelta, at: datetime) -> Facts:
        if passed < hours(4):
            return world(at, landed=landed(**SHOP), heartbeats={"scheduler": after(hours=-1)})
        if passed < hours(9):
            return world(at, runs=(run(queued_at=after(hours=4), started_at=after(hours=4)),), landed=landed(**SHOP))
        return world(at, runs=(run(state="success", ended_at=after(hours=9)),))

    one, begun, healed = Told(down).only()
    assert (one.kind, begun, healed) == (Kind.stale, hours(3), hours(9))


def test_a_replay_of_a_failed_run_is_not_late_however_long_it_takes():
    def replayed(passed: timedelta, at: datetime) -> Facts:
        if passed < hours(1):
            return world(at, runs=(run(),), landed=landed(**SHOP))
        if passed < hours(12):
            failed = run(state="failed", ended_at=after(hours=1))
            return world(at, runs=(failed,), landed=landed(**SHOP), letters=(letter(at=60),))
        if passed < hours(18):
            again = run(queued_at=after(hours=12), started_at=after(hours=12))
            return world(at, runs=(again,), landed=landed(**SHOP), letters=(letter(at=60, status=Status.replaying),))
        return world(at, runs=(run(state="success", ended_at=after(hours=18)),))

    one, begun, healed = Told(replayed).only()
    assert (one.kind, begun, healed) == (Kind.failed, hours(1), hours(18))


def test_a_service_that_is_away_for_hours_neither_heals_nor_raises_anything():
    def away(passed: timedelta, at: datetime) -> Facts:
        late = run()
        more: dict[str, Any] = {"runs": (late,), "tasks": (task(late, "validate_raw"),), "landed": landed(**SHOP)}
        if hours(4) <= passed < hours(8):
            more |= {"runs": None, "last_runs": None, "tasks": (), "heartbeats": {}}
        if hours(6) <= passed < hours(9):
            more |= {"landed": None, "letters": None}
        return world(at, **more)

    told = Told(away, hours=12)
    one, begun, healed = told.found["late/shop_eu/2013-01-02"]
    assert (begun, healed) == (hours(3), None)
    assert told.kinds() == [Kind.late]
    assert one.run_id == "scheduled__2013-01-02"
