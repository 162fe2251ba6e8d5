"""Packing and spoiling the text of a dump, without a server."""

import gzip
import itertools
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from simulator import dumps
from simulator.breaks import FOREIGN_USE, TRUNCATE_DUMP, spoil_dump
from simulator.bucket import object_name
from simulator.errors import DumpError
from simulator.settings import Settings

TEXT = b"-- header\n\n--\n-- Table structure for table `a`\n--\nCREATE TABLE `a`;\n" + b"INSERT;\n" * 9000
SETTINGS = Settings("127.0.0.1", 1, "company", "bucket", Path("state"), "secret")


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, len(TEXT), size):
        yield TEXT[start : start + size]


def test_gzip_carries_the_text_and_no_time() -> None:
    packed = b"".join(dumps.gzipped(pieces(1000)))
    assert gzip.decompress(packed) == TEXT
    assert packed[4:8] == bytes(4), "the time stamp of the header"
    assert packed == b"".join(dumps.gzipped([TEXT[:1000], TEXT[1000:]]))


def test_gzip_of_nothing_is_a_valid_member() -> None:
    assert gzip.decompress(b"".join(dumps.gzipped([]))) == b""


@pytest.mark.parametrize("size", [1, 7, 20, 100_000])
def test_foreign_use_comes_before_the_first_table(size: int) -> None:
    spoilt = b"".join(dumps.using_another_database(pieces(size), "shop_us"))
    added = b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop_us`;\n\nUSE `shop_us`;\n\n"
    assert spoilt == TEXT.replace(dumps.FIRST_TABLE, added + dumps.FIRST_TABLE)


@pytest.mark.parametrize("length", [0, 1, 2, 700_001])
def test_first_half_is_half(length: int) -> None:
    whole = bytes(itertools.islice(itertools.cycle(range(251)), length))
    assert b"".join(dumps.first_half([whole[:10], whole[10:]])) == whole[: length // 2]


def test_a_truncated_dump_cannot_be_unpacked() -> None:
    spoilt = b"".join(spoil_dump(pieces(1000), {TRUNCATE_DUMP: ""}))
    with pytest.raises(EOFError):
        gzip.decompress(spoilt)


def test_rules_add_up_and_no_rule_spoils_nothing() -> None:
    assert gzip.decompress(b"".join(spoil_dump(pieces(1000), {}))) == TEXT
    assert b"USE `b`" in gzip.decompress(b"".join(spoil_dump(pieces(1000), {FOREIGN_USE: "b"})))


def test_a_missing_dump_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "PROGRAM", "no-such-program")
    with pytest.raises(DumpError, match="no-such-program is not installed"):
        list(dumps.dump(SETTINGS, "shop_eu"))


def test_a_failing_dump_program_raises_after_its_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dump"
    program.write_text("#!/bin/sh\necho half\necho lost connection >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(dumps, "PROGRAM", str(program))
    stream = dumps.dump(SETTINGS, "shop_eu")
    assert next(stream) == b"half\n"
    with pytest.raises(DumpError, match="status 3: lost connection"):
        next(stream)


def test_the_password_is_in_no_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dump"
    program.write_text('#!/bin/sh\necho "$@"\necho "$MYSQL_PWD" >&2\n')
    program.chmod(0o755)
    monkeypatch.setattr(dumps, "PROGRAM", str(program))
    arguments = b"".join(dumps.dump(SETTINGS, "shop_eu"))
    assert b"--single-transaction" in arguments
    assert b"secret" not in arguments
    assert "secret" not in repr(SETTINGS)


def test_object_name() -> None:
    assert object_name("shop_eu", date(2013, 1, 9)) == "shop_eu/2013-01-09/shop_eu.sql.gz"
