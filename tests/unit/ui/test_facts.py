"""One snapshot for all who look, read again behind their backs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.services import wait_until
from tests.unit.dead_letters.letters_in_memory import T0, make_letter
from tests.unit.ui.facts_in_memory import NOW, MemoryWarehouse, letter_row, small_registry
from tributary.dead_letters.record import DeadLetter, Status
from tributary.errors import RegistryError
from tributary.registry import Registry
from tributary.ui import refreshing as module
from tributary.ui.facts import Letter, Snapshot
from tributary.ui.refreshing import Facts
from tributary.ui.sources import Sources

ID = "shop_eu/2013-01-02/sync"


class Reading:
    """Reads snapshots one after the other; waits in between where it is told to, and may fail."""

    def __init__(self) -> None:
        self.number = 0
        self.may_end = threading.Event()
        self.may_end.set()
        self.fails = False
        self.letters: dict[str, Letter] = {}

    def __call__(self, before: Snapshot | None) -> Snapshot:
        self.number += 1
        found = Snapshot(None, datetime.fromtimestamp(self.number, UTC), open_letters=dict(self.letters))
        assert self.may_end.wait(20)
        if self.fails:
            raise RuntimeError("away")
        return found


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def facts(reading: Reading, clock: Clock) -> Facts:
    return Facts(reading, clock)


def test_nothing_is_read_before_somebody_looks_and_then_once_for_all(facts: Facts, reading: Reading):
    assert reading.number == 0
    threads = [threading.Thread(target=facts.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert facts.current().read_at.timestamp() == 1
    assert reading.number == 1


def test_nobody_waits_for_facts_while_there_are_some(facts: Facts, reading: Reading, clock: Clock):
    facts.current()
    reading.may_end.clear()
    clock.time += 61
    facts._wanted = True
    with facts._changed:
        facts._changed.notify_all()
    wait_until(lambda: reading.number == 2, "the second reading")
    assert facts.current().read_at.timestamp() == 1
    reading.may_end.set()
    wait_until(lambda: facts.current().read_at.timestamp() == 2, "the second facts")


def test_facts_that_are_too_old_are_waited_for(facts: Facts, clock: Clock):
    facts.current()
    clock.time += module.STALE_SECONDS + 1
    assert facts.current().read_at.timestamp() == 2


def test_facts_of_now_are_read_on_demand_but_not_all_the_time(facts: Facts, reading: Reading, clock: Clock):
    facts.current()
    clock.time += module.AT_ONCE_SECONDS
    assert facts.current(anew=True).read_at.timestamp() == 1, "they are of this moment already"
    clock.time += 1
    assert facts.current(anew=True).read_at.timestamp() == 2
    assert reading.number == 2


def test_a_source_that_hangs_holds_nobody_for_long(facts: Facts, reading: Reading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    reading.may_end.clear()
    assert "Nothing could be read" in facts.current().problems["ops"]
    reading.may_end.set()


def test_a_reading_that_fails_leaves_the_last_one(
    facts: Facts, reading: Reading, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    facts.current()
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.3)
    reading.fails = True
    clock.time += 10
    assert facts.current(anew=True).read_at.timestamp() == 1
    reading.fails = False
    assert facts.current(anew=True).read_at.timestamp() == 3


def test_who_has_stopped_looking_costs_nothing_more(
    facts: Facts, reading: Reading, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0.01)
    facts.current()
    wait_until(lambda: reading.number > 2, "reading while somebody looks")
    clock.time += module.IDLE_SECONDS + 1
    wait_until(lambda: facts._thread is None, "the end of reading")
    facts.current()
    assert facts._thread is not None


def test_what_was_changed_while_facts_were_read_is_shown(facts: Facts, reading: Reading, clock: Clock):
    reading.letters = {ID: Letter.of(make_letter())}
    facts.current()
    reading.may_end.clear()
    clock.time += 10
    thread = threading.Thread(target=lambda: facts.current(anew=True))
    thread.start()
    wait_until(lambda: reading.number == 2, "the second reading")
    facts.remember([make_letter().replaying(T0 + timedelta(hours=1), "anna")])
    assert facts.current().open_letters[ID].status is Status.replaying
    reading.may_end.set()
    thread.join(20)
    assert facts.current().read_at.timestamp() == 2
    assert facts.current().open_letters[ID].status is Status.replaying


def snapshot(copied: list[Letter], in_bucket: list[Letter] | None = None) -> Snapshot:
    shown = Snapshot(None, NOW, copied_letters={letter.id: letter for letter in copied})
    if in_bucket is None:
        return shown
    return Snapshot(
        None, NOW, copied_letters=shown.copied_letters, open_letters={letter.id: letter for letter in in_bucket},
        bucket_read_at=NOW,
    )  # fmt: skip


def letter(status: str = "open", minutes: int = 0, letter_id: str = ID) -> Letter:
    at = T0 + timedelta(minutes=minutes)
    return Letter.of_row(letter_row(letter_id, status, updated_at=at, changed_at=at))


def test_the_bucket_is_the_truth_and_the_copy_stands_in_for_it():
    assert [one.status for one in snapshot([letter("open")]).letters] == [Status.open]
    assert [one.status for one in snapshot([letter("open")], [letter("replaying", 5)]).letters] == [Status.replaying]
    assert snapshot([letter("open")], []).letters == [], "the copy has not heard that it is closed"
    assert [one.status for one in snapshot([letter("resolved", 5)], []).letters] == [Status.resolved]
    assert [one.status for one in snapshot([], [letter("open")]).letters] == [Status.open]


def test_a_record_that_somebody_closes_is_open_no_more():
    closed: DeadLetter = make_letter().resolved(NOW, "anna", "why")
    shown = snapshot([], [letter()]).with_letters([closed])
    assert shown.open_letters == {}
    assert [one.status for one in shown.letters] == [Status.resolved]


def sources(warehouse: MemoryWarehouse, registry: Registry | Exception) -> Sources:
    def read() -> Registry:
        if isinstance(registry, Exception):
            raise registry
        return registry

    def no_bucket() -> None:
        raise OSError("some word")

    return Sources(warehouse, no_bucket, lambda token: None, read, lambda: NOW)  # type: ignore[arg-type, return-value]


def test_what_cannot_be_read_is_named_and_stays_as_it_was():
    registry = small_registry(shop_eu="retail")
    before = Snapshot(registry, NOW, open_letters={ID: letter()}, quality={})
    warehouse = MemoryWarehouse({"ui/dead_letters": [letter_row("shop_us/2013-01-02/sync")]})
    found = sources(warehouse, RegistryError("databases.yaml: it is broken")).snapshot(before)
    assert found.registry is registry
    assert list(found.open_letters) == [ID]
    assert list(found.copied_letters) == ["shop_us/2013-01-02/sync"]
    assert found.problems == {
        "registry": "databases.yaml: it is broken",
        "bucket": "The bucket of the dead letters could not be read (OSError).",
    }
    warehouse.away = True
    again = sources(warehouse, registry).snapshot(found)
    assert list(again.copied_letters) == ["shop_us/2013-01-02/sync"]
    assert again.problems["ops"] == "BigQuery could not be read (ServiceUnavailable)."


def test_quality_is_looked_for_from_the_simulated_day_on():
    warehouse = MemoryWarehouse()
    sources(warehouse, small_registry(shop_eu="retail")).snapshot(None)
    assert ("ui/quality", {"since": "2012-12-31"}) in warehouse.asked


def test_a_stop_ends_the_reading(facts: Facts):
    facts.current()
    thread = facts._thread
    assert thread is not None
    facts.stop()
    thread.join(20)
    assert not thread.is_alive()
