"""Breaks, interruptions and refusals on a real server; the steps build on one another's days."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import pytest
from google.cloud import storage

from simulator import advance as advance_module
from simulator.advance import alone
from simulator.bucket import CHUNK_BYTES, DumpBucket, object_name
from simulator.cli import main
from simulator.commands import current_date
from simulator.errors import DumpError, ServerAwayError
from simulator.production import connect, execute, query, row_counts
from simulator.settings import Settings
from simulator.state import SCHEMA

SHOPS = "shop_br,shop_eu"


@pytest.fixture(scope="module", autouse=True)
def first_day(settings: Settings, bucket: storage.Bucket) -> None:
    """Two small shops that have lived a day."""
    assert current_date(settings) is None
    assert main(["advance", "--databases", SHOPS, "--scale", "0.2"]) == 0


@pytest.fixture
def today(settings: Settings) -> date:
    """The last simulated day when the test begins."""
    day = current_date(settings)
    assert day
    return day


def advance(*arguments: str) -> None:
    assert main(["advance", "--databases", SHOPS, *arguments]) == 0


def dump_of(bucket: storage.Bucket, name: str, day: date) -> bytes:
    packed: bytes = bucket.blob(object_name(name, day)).download_as_bytes()
    return packed


def negative_prices(settings: Settings, name: str = "shop_eu") -> list[int]:
    with connect(settings, name) as connection:
        return [key for (key,) in query(connection, "select product_id from products where price < 0")]


def test_a_negative_price_stays_until_it_is_undone(settings: Settings, bucket: storage.Bucket, today: date) -> None:
    assert main(["break", "shop_eu", "negative_price"]) == 0
    assert main(["break", "shop_eu", "negative_price"]) == 0, "once more is the same as once"
    broken = negative_prices(settings)
    assert len(broken) == 1
    advance("--days", "2")
    assert negative_prices(settings) == broken
    for days in (1, 2):
        text = gzip.decompress(dump_of(bucket, "shop_eu", today + timedelta(days=days))).decode()
        assert re.search(rf"^\({broken[0]},'[A-Z]{{3}}-\d+',.*,-\d+\.\d\d,", text, re.MULTILINE), "the dump carries it"
    assert negative_prices(settings, "shop_br") == []
    with connect(settings, "shop_eu") as connection:
        assert query(connection, "select min(unit_price) > 0 from order_items") == [(1,)]
    assert main(["break", "shop_eu", "negative_price", "--undo"]) == 0
    assert negative_prices(settings) == []
    assert main(["break", "shop_eu", "negative_price", "--undo"]) == 1, "nothing left to undo"


def test_what_was_broken_and_undone_is_as_if_it_had_never_been(
    settings: Settings, bucket: storage.Bucket, today: date
) -> None:
    """The shop lived two days with a wrong price above; without it, it lives the same days."""
    with connect(settings, "shop_eu") as connection:
        tables = ", ".join(row_counts(connection))
        healed = query(connection, f"checksum table {tables}")
    with connect(settings) as connection:
        for name in ("shop_eu", "shop_br", SCHEMA):
            execute(connection, f"drop database {name}")
    advance("--scale", "0.2", "--date", str(today))
    with connect(settings, "shop_eu") as connection:
        assert query(connection, f"checksum table {tables}") == healed


def test_a_dump_can_be_left_again_after_the_data_was_healed(bucket: storage.Bucket, today: date) -> None:
    clean = dump_of(bucket, "shop_eu", today)
    assert main(["break", "shop_eu", "negative_price"]) == 0
    assert main(["dump", "--databases", "shop_eu"]) == 0
    assert dump_of(bucket, "shop_eu", today) != clean
    assert main(["break", "shop_eu", "negative_price", "--undo"]) == 0
    assert main(["dump", "--databases", "shop_eu"]) == 0
    assert dump_of(bucket, "shop_eu", today) == clean


def test_rules_about_dumps_hold_for_one_day(bucket: storage.Bucket, today: date) -> None:
    assert main(["break", "shop_br", "truncate_dump"]) == 0
    assert main(["break", "shop_eu", "foreign_use"]) == 0
    advance("--days", "2")
    first, second = today + timedelta(days=1), today + timedelta(days=2)
    with pytest.raises(EOFError):
        gzip.decompress(dump_of(bucket, "shop_br", first))
    foreign = b"USE `shop_br`;"
    assert foreign in gzip.decompress(dump_of(bucket, "shop_eu", first))
    assert gzip.decompress(dump_of(bucket, "shop_br", second)).rstrip().endswith(b"-- Dump completed")
    assert foreign not in gzip.decompress(dump_of(bucket, "shop_eu", second))


def test_a_day_can_leave_no_dump(bucket: storage.Bucket, today: date, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["break", "shop_br", "no_dump"]) == 0
    capsys.readouterr()
    advance("--days", "2", "--json")
    printed = json.loads(capsys.readouterr().out)
    first, second = today + timedelta(days=1), today + timedelta(days=2)
    assert printed["date"] == str(second)
    sizes = {(dump["database"], dump["day"]): dump["bytes"] for dump in printed["dumps"]}
    assert sizes["shop_br", str(first)] is None
    assert sizes["shop_br", str(second)] > 1000
    assert not bucket.blob(object_name("shop_br", first)).exists()
    assert bucket.blob(object_name("shop_eu", first)).exists()
    assert bucket.blob(object_name("shop_br", second)).exists()


def test_a_rule_can_be_taken_back(bucket: storage.Bucket, today: date) -> None:
    assert main(["break", "shop_br", "no_dump"]) == 0
    assert main(["break", "shop_br", "no_dump", "--undo"]) == 0
    advance()
    assert bucket.blob(object_name("shop_br", today + timedelta(days=1))).exists()


def test_an_interrupted_day_leaves_its_dump_later(
    settings: Settings, bucket: storage.Bucket, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = today + timedelta(days=1)

    def upload(self: DumpBucket, name: str, pieces: Iterable[bytes]) -> int:
        raise ServerAwayError("the storage went away")

    with monkeypatch.context() as patch:
        patch.setattr(DumpBucket, "upload", upload)
        assert main(["advance", "--databases", SHOPS]) == 1
    assert current_date(settings) == tomorrow
    assert not bucket.blob(object_name("shop_eu", tomorrow)).exists()
    advance("--date", str(tomorrow))
    assert current_date(settings) == tomorrow, "it did not live a further day"
    assert bucket.blob(object_name("shop_eu", tomorrow)).exists()


def test_a_dump_that_fails_half_way_leaves_nothing(
    settings: Settings, bucket: storage.Bucket, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dump(settings: Settings, name: str) -> Iterator[bytes]:
        yield b"-- half"
        raise DumpError("lost connection")

    def not_packed(pieces: Iterator[bytes], broken: dict[str, str]) -> Iterator[bytes]:
        yield bytes(CHUNK_BYTES + 1)  # so much that a first chunk is sent
        yield from pieces

    tomorrow = today + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(advance_module, "dump", dump)
        patch.setattr(advance_module, "spoil_dump", not_packed)
        assert main(["advance", "--databases", "shop_eu"]) == 1
    assert not bucket.blob(object_name("shop_eu", tomorrow)).exists()
    advance("--date", str(tomorrow))
    assert bucket.blob(object_name("shop_eu", tomorrow)).exists()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_an_upload_arrives_whole(settings: Settings, bucket: storage.Bucket, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = [content[start : start + 1_000_003] for start in range(0, size, 1_000_003)]
    assert DumpBucket(settings.bucket).upload("upload/whole", pieces) == size
    assert bucket.blob("upload/whole").download_as_bytes() == content


def test_a_database_that_lags_catches_up(bucket: storage.Bucket, today: date) -> None:
    assert main(["advance", "--databases", "shop_br"]) == 0
    assert not bucket.blob(object_name("shop_eu", today + timedelta(days=1))).exists()
    advance()
    for days in (1, 2):
        assert bucket.blob(object_name("shop_eu", today + timedelta(days=days))).exists()


def test_a_further_shop_is_as_old_as_the_others(
    settings: Settings, bucket: storage.Bucket, today: date, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", "shop_uk", "--app", "retail", "--scale", "0.1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(today)
    assert [blob.name for blob in bucket.list_blobs(prefix="shop_uk/")] == [object_name("shop_uk", today)]
    with connect(settings, "shop_uk") as connection:
        days = query(connection, "select min(date(ordered_at)), max(date(ordered_at)) from orders")
        countries = query(connection, "select distinct country from addresses")
    assert days == [(date(2013, 1, 1), today)]
    assert countries == [("GB",)]
    assert main(["add", "shop_uk", "--app", "retail"]) == 1, "it is there already"
    assert main(["advance", "--databases", "shop_uk"]) == 0
    left = {blob.name for blob in bucket.list_blobs(prefix="shop_uk/")}
    assert left == {object_name("shop_uk", day) for day in (today, today + timedelta(days=1))}


def test_a_further_airport(settings: Settings, bucket: storage.Bucket, today: date) -> None:
    assert main(["add", "airport_two", "--app", "flights:LGA"]) == 0
    assert len(list(bucket.list_blobs(prefix="airport_two/"))) == 1
    with connect(settings, "airport_two") as connection:
        assert query(connection, "select distinct origin from flights") == [("LGA",)]
        assert query(connection, "select count(distinct day) from flights") == [(today.day,)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["advance", "--date", "2013-01-01"], "2013-01-01 has passed"),
        (["advance", "--databases", "shop_xx"], "no database shop_xx; there are: "),
        (["advance", "--seed", "99"], "born with seed 2013, not 99"),
        (["add", "shop_us", "--app", "retail"], "lives already, or will"),
        (["add", "airport_x", "--app", "flights:BOS"], "flights:XXX with one of EWR, JFK, LGA"),
        (["break", "airport_two", "negative_price"], "needs a shop"),
        (["break", "shop_eu", "no_dump", "--undo"], "is not broken by no_dump"),
        (["break", "shop_xx", "no_dump"], "no database shop_xx"),
    ],
)
def test_refusals(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert expected in capsys.readouterr().err


def test_one_command_at_a_time(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(settings):
        assert main(["advance"]) == 1
    assert "another command of the simulator is at work" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9", "storage of bucket 'dumps' does not answer"),
        ("TRIBUTARY_DUMPS_BUCKET", "nowhere", "bucket 'nowhere' does not exist"),
        ("LOCALCLOUD_PRODUCTION_PASSWORD", "wrong", "does not let 'company' in"),
    ],
)
def test_servers_that_are_away_stop_the_day_before_it_begins(
    settings: Settings,
    today: date,
    name: str,
    value: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["advance"]) == 1
    assert expected in capsys.readouterr().err
    assert current_date(settings) == today
