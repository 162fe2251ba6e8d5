"""The bucket, the disk and the copy: nothing is lost, nothing is told twice."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from google.api_core.exceptions import ServiceUnavailable

from tests.unit.dead_letters.letters_in_memory import MemoryClient, MemoryOps
from tributary.dead_letters import bucket
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore, within
from tributary.errors import TributaryError

Make = Callable[..., DeadLetter]


def test_one_object_per_step_however_often_it_fails(store: LetterStore, client: MemoryClient, letter: Make):
    store.record(letter(tries=6))
    store.record(letter(key="try_2", tries=12, at=9))
    assert list(client.objects) == ["_dead_letters/shop_eu/2013-01-02/sync.json"]
    (found,) = store.bucket.list()
    assert found.tries == 12
    generation = client.objects["_dead_letters/shop_eu/2013-01-02/sync.json"].generation
    store.record(letter(tries=6))
    assert client.objects["_dead_letters/shop_eu/2013-01-02/sync.json"].generation == generation == 2


@pytest.mark.parametrize("moment", ["before_read", "before_write"])
def test_two_writers_at_once_lose_nothing(store: LetterStore, client: MemoryClient, letter: Make, moment: str):
    store.record(letter(tries=6))

    def somebody_else() -> None:
        setattr(client, moment, lambda: None)
        store.record(letter(key="other", tries=2, at=5, run_id="run_2"))

    setattr(client, moment, somebody_else)
    store.record(letter(key="try_2", tries=12, at=9))
    (found,) = store.bucket.list()
    assert found.tries == 14
    assert {occurrence.key for occurrence in found.occurrences} == {"try_1", "try_2", "other"}


def test_two_first_writers_at_once_lose_nothing(store: LetterStore, client: MemoryClient, letter: Make):
    def somebody_else() -> None:
        client.before_write = lambda: None
        store.record(letter(key="other", tries=2, at=5, run_id="run_2"))

    client.before_write = somebody_else
    assert store.record(letter()).tries == 3


@pytest.mark.parametrize("moment", ["before_read", "before_write"])
def test_a_writer_gives_up_where_others_never_rest(
    store: LetterStore, client: MemoryClient, letter: Make, moment: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bucket, "time", SimpleNamespace(sleep=lambda _: None))
    store.record(letter())
    setattr(client, moment, client.touch)
    with pytest.raises(TributaryError, match="try again"):
        store.record(letter(key="b", tries=2, at=5))


def test_every_write_is_later_than_the_one_before(store: LetterStore, letter: Make):
    first = store.record(letter())
    second = store.record(letter(key="b", tries=2, at=5))
    assert first.updated_at is not None
    assert second.updated_at is not None
    assert second.updated_at > first.updated_at


def test_closed_records_are_listed_on_request_alone(store: LetterStore, client: MemoryClient, letter: Make):
    store.record(letter())
    store.change([letter().id], lambda found: found.replayed(found.changed_at + timedelta(minutes=1)))
    store.record(letter(task_id="preflight"))
    client.reads = 0
    assert [found.task_id for found in store.bucket.list(closed=False)] == ["preflight"]
    assert client.reads == 1, "years of closed records must not cost a request each"
    assert len(store.bucket.list()) == 2
    assert store.bucket.list("airport_jfk") == []


def test_a_record_of_a_later_version_is_left_alone_and_named(store: LetterStore, client: MemoryClient, letter: Make):
    store.record(letter())
    there = client.objects["_dead_letters/shop_eu/2013-01-02/sync.json"]
    there.text = there.text.replace(b'"schema": 1', b'"schema": 2')
    before = there.text
    with pytest.raises(TributaryError, match=r"sync\.json is no record .*: schema"):
        store.record(letter(key="b", at=5))
    assert there.text == before


def test_the_disk_keeps_a_record_whole_and_private(spool: Spool, letter: Make):
    path = spool.put(letter())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert [file.name for file in spool.folder.iterdir()] == [path.name]
    assert spool.put(letter()) == path
    assert spool.put(letter(key="b")) != path


def test_a_write_that_breaks_off_leaves_nothing(spool: Spool, letter: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        spool.put(letter())
    assert list(spool.folder.iterdir()) == []


def test_what_waits_is_delivered_once(store: LetterStore, client: MemoryClient, letter: Make):
    store.spool.put(letter(tries=6))
    store.spool.put(letter(key="b", tries=12, at=3))
    client.away = True
    with pytest.raises(ServiceUnavailable):
        store.deliver()
    assert len(store.spool.waiting()) == 2
    client.away = False
    assert store.deliver() == 2
    assert store.deliver() == 0
    (found,) = store.bucket.list()
    assert found.tries == 12


def test_what_was_delivered_before_a_crash_counts_once(store: LetterStore, letter: Make):
    store.spool.put(letter(tries=6))
    store.record(letter(tries=6))
    store.deliver()
    (found,) = store.bucket.list()
    assert (found.tries, len(found.occurrences)) == (6, 1)
    assert store.spool.waiting() == []


def test_a_broken_file_does_not_stand_in_the_way(store: LetterStore, letter: Make):
    store.spool.put(letter())
    (store.spool.folder / "0.json").write_text("{")
    assert store.deliver() == 1
    assert [file.name for file in store.spool.folder.iterdir()] == ["0.bad"]


def test_bigquery_away_costs_the_copy_alone_and_the_sweep_makes_up(store: LetterStore, ops: MemoryOps, letter: Make):
    ops.away = True
    store.record(letter())
    moved = store.change([letter().id], lambda found: found.replaying(found.changed_at))
    assert [one.status for one in moved] == [Status.replaying]
    assert store.copy_missing(store.bucket.list()) is None
    ops.away = False
    assert store.copy_missing(store.bucket.list()) == 1
    assert store.copy_missing(store.bucket.list()) == 0
    assert [row["status"] for row in ops.rows] == ["replaying"]


def test_nobody_waits_for_what_hangs():
    begin = time.monotonic()
    assert not within(0.1, lambda: time.sleep(3), "a test")
    assert time.monotonic() - begin < 1
    assert within(5, lambda: None, "a test")
    assert not within(5, lambda: 1 / 0, "a test")
