"""Dump files that must not be imported, and strange ones that may: what pre-flight says of each."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from tests.faults.dump_files import (
    ATTACKS,
    COMPLETED,
    CUSTOMERS,
    DATABASE,
    ORDERS,
    Attack,
    check,
    damaged_crc,
    dump,
    line_of,
    members,
    table,
)
from tests.support.services import ROOT
from tributary.dead_letters.reasons import reason_of
from tributary.dumps import (
    DumpCorrupt,
    DumpEmpty,
    DumpError,
    DumpFormatUnsupported,
    DumpRefused,
    DumpTooLarge,
    DumpTruncated,
    needs_copy,
)

Seen = Callable[[object], None]
ROWS = {"customers": 2, "orders": 3}
GOOD = dump()
CUT_IN_ROWS = GOOD[: GOOD.index(b"(12,2)")]
LINE_OF_ROWS = line_of(GOOD, "INSERT INTO `orders`")
DEFINITIONS = dump(*(table(name, "`id` int").split(b"\n--\n-- Dumping")[0] for name in ("customers", "orders")))
ALL_DATABASES = dump("CREATE DATABASE `shop_eu`;\nUSE `shop_eu`;", CUSTOMERS, ORDERS, database="")
END_IN_A_VALUE = f"'\n{COMPLETED.decode()}'"
GTIDS = "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a-b-c:1-5';"
PACKED = gzip.compress(GOOD)


def case(name: str, what: str, *values: object, expected: str):
    """A parameter set that stands in the table by its own words."""
    return pytest.param(*values, marks=pytest.mark.case(name, what, expected=expected), id=what.replace(" ", "_"))


def refusal(stored: bytes, database: str = DATABASE) -> DumpError:
    """The error that a task gets."""
    with pytest.raises(DumpError) as caught:
        check(stored, database, ROWS).raise_if_refused()
    return caught.value


def codes(error: DumpError) -> list[str]:
    assert isinstance(error, DumpRefused)
    return [finding.code for finding in error.report.errors]


def told(error: DumpError) -> str:
    if isinstance(error, DumpRefused):
        return f"DumpRefused: {error.report.errors[0]}"
    return f"{type(error).__name__}: {error}"


def zipped(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dump.sql", text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("stored", "error", "words"),
    [
        case("B1", "an object of 0 bytes", b"", DumpEmpty, "0 bytes", expected="DumpEmpty"),
        case("B1", "a gzip file of nothing", gzip.compress(b""), DumpEmpty, "gzip file of nothing",
             expected="DumpEmpty"),
        case("B2", "gzip cut at 1 %", PACKED[: len(PACKED) // 100], DumpTruncated,
             f"compressed byte {len(PACKED) // 100};", expected="DumpTruncated, names the compressed byte"),
        case("B2", "gzip cut at half", PACKED[: len(PACKED) // 2], DumpTruncated,
             f"compressed byte {len(PACKED) // 2};", expected="DumpTruncated, names the compressed byte"),
        case("B2", "gzip cut at the last byte", PACKED[:-1], DumpTruncated, f"compressed byte {len(PACKED) - 1};",
             expected="DumpTruncated, names the compressed byte"),
        case("B2", "a bad check sum", damaged_crc(PACKED), DumpCorrupt, "incorrect data check",
             expected="DumpCorrupt, says that the check sum is wrong"),
        case("B2", "a bit that flipped", PACKED[:200] + bytes([PACKED[200] ^ 4]) + PACKED[201:], DumpCorrupt,
             "compressed byte", expected="DumpCorrupt"),
        case("B2", "several members, the last one cut", members(GOOD)[:-9], DumpTruncated, "compressed byte",
             expected="DumpTruncated"),
        case("B2", "zip", zipped(GOOD), DumpFormatUnsupported, "found zip", expected="refused, names the format"),
        case("B2", "gzip inside gzip", gzip.compress(PACKED), DumpFormatUnsupported, "gzip (a second time)",
             expected="refused, names the format"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_to_its_end(stored: bytes, error: type[DumpError], words: str, seen: Seen):
    found = refusal(stored)
    seen(told(found))
    assert type(found) is error
    assert words in str(found)


@pytest.mark.parametrize(
    ("stored", "name", "copied"),
    [
        case("B2", "gzip of several members", members(GOOD), "x.sql.gz", False, expected="every row counted"),
        case("B2", "a .sql that is gzip", PACKED, "x.sql", True, expected="every row counted; imported from a copy"),
        case("B2", "a .gz that is plain", GOOD, "x.sql.gz", True, expected="every row counted; imported from a copy"),
        case("B2", "zstd", zstd.compress(GOOD), "x.sql.zst", True, expected="every row counted; imported from a copy"),
        case("B2", "bzip2", bz2.compress(GOOD), "x.sql.bz2", True, expected="every row counted; imported from a copy"),
        case("B2", "xz", lzma.compress(GOOD), "x.sql.xz", True, expected="every row counted; imported from a copy"),
    ],
)
def test_a_file_of_another_form_is_read(stored: bytes, name: str, copied: bool, seen: Seen):
    report = check(stored, tables=ROWS)
    seen(f"{report.compression}: {dict(report.tables)}, copy: {needs_copy(name, report.compression)}")
    assert report.ok
    assert report.tables == ROWS
    assert needs_copy(name, report.compression) is copied


@pytest.mark.case("B2", "a bomb: 2 GiB of blanks in 2 MiB", expected="DumpTooLarge, long before its end")
def test_a_bomb(takes_long: None, seen: Seen):
    member = gzip.compress(b" " * 2**26, 9)
    found = refusal(gzip.compress(GOOD[:-1]) + member * 32)
    seen(told(found))
    assert isinstance(found, DumpTooLarge)


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        case("B1", "comments only", b"-- nothing\n/* at all */\n",
             {"no_tables", "no_header", "incomplete", "missing_table"}, "without any", expected="refused: no tables"),
        case("B1", "a dump without tables", dump(b""), {"no_tables", "missing_table"}, "without any",
             expected="refused: no tables"),
        case("B3", "no completion line", dump(completed=False), {"incomplete"}, "found none",
             expected="refused: incomplete"),
        case("B3", "cut inside an INSERT", CUT_IN_ROWS, {"cut", "incomplete"}, f"(line {LINE_OF_ROWS}, ",
             expected="refused: cut, names the line of the statement"),
        case("B3", "a completion line inside a value only", dump(table("customers", "`id` int", END_IN_A_VALUE), ORDERS,
             completed=False), {"incomplete"}, "found none", expected="refused: incomplete"),
        case("B5", "another database in the header", dump(database="shop_us"), {"wrong_database"},
             "'shop_eu', found one of 'shop_us'", expected="refused: wrong database, names both"),
        case("B5", "a dump of all databases", ALL_DATABASES, {"wrong_database", "database_statement"},
             "all databases", expected="refused: says that it is of all databases"),
        case("B5", "its own USE, where the contract does not allow it", dump("USE `shop_eu`;", CUSTOMERS, ORDERS),
             {"database_statement"}, "without --databases", expected="refused, says which option leaves it out"),
        case("B16", "the line of GTIDs", dump(GTIDS, CUSTOMERS, ORDERS), {"gtid_purged"}, "--set-gtid-purged=OFF",
             expected="refused, says which option leaves it out"),
        case("B17", "a table is missing", dump(CUSTOMERS), {"missing_table"}, "'orders'",
             expected="refused: names the table"),
        case("B17", "a table is renamed", dump(CUSTOMERS, ORDERS.replace(b"`orders`", b"`orders_2`")),
             {"missing_table"}, "'orders'", expected="refused: names the missing table"),
        case("B24", "definitions only", DEFINITIONS, {"no_data"}, "--no-data", expected="refused: no data"),
    ],
)  # fmt: skip
def test_a_text_that_is_refused(text: bytes, expected: set[str], words: str, seen: Seen):
    found = refusal(text)
    seen(told(found))
    assert set(codes(found)) == expected
    assert words in str(found)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        case("B10", "a byte order mark", b"\xef\xbb\xbf" + GOOD, ROWS, expected="accepted"),
        case("B12", "the sandbox line of newer mariadb-dump", b"/*M!999999\\- enable the sandbox mode */ \n" + GOOD,
             ROWS, expected="accepted"),
        case("B12", "the sandbox line that ends MySQL's client", b"/*!999999\\- enable the sandbox mode */\n" + GOOD,
             ROWS, expected="accepted, imported from a copy without it"),
        case("B16", "LOCK TABLES, transactions, version comments", dump(
             "/*!80000 SET SESSION information_schema_stats_expiry=0 */;\nSTART TRANSACTION;", CUSTOMERS, ORDERS,
             "COMMIT;\n/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */ ;"), ROWS, expected="accepted"),
        case("B17", "a new table", dump(CUSTOMERS, ORDERS, table("returns", "`id` int", "1")),
             ROWS | {"returns": 1}, expected="accepted with a note"),
        case("B24", "REPLACE instead of INSERT", dump(CUSTOMERS, ORDERS.replace(b"INSERT INTO", b"REPLACE INTO")), ROWS,
             expected="accepted, rows counted"),
        case("B24", "an empty table", dump(CUSTOMERS, table("orders", "`id` int")), {"customers": 2, "orders": 0},
             expected="accepted, 0 rows"),
    ],
)  # fmt: skip
def test_a_text_that_is_strange_and_fine(text: bytes, rows: dict[str, int], seen: Seen):
    report = check(text, tables=("customers", "orders"))
    seen(f"{dict(report.tables)}, notes: {[finding.code for finding in report.findings] or 'none'}")
    assert report.ok, report.to_text()
    assert report.tables == rows


@pytest.mark.case("B3", "cut after any byte, plain and gzip", expected="never accepted, whatever byte it is")
def test_no_part_of_a_dump_passes(seen: Seen):
    starts = [*range(0, len(GOOD), 3), *range(len(GOOD) - 200, len(GOOD))]
    for size in starts:
        assert codes(refusal(GOOD[:size])) if size else refusal(b"")
    for size in range(2, len(PACKED)):  # from its second byte on it is known for gzip
        assert isinstance(refusal(PACKED[:size]), DumpTruncated)
    seen(f"{len(starts)} cuts of the text and {len(PACKED)} of the gzip file: all refused")


HOSTILE = [
    pytest.param(one, id=one.name.replace(" ", "_"), marks=pytest.mark.case(
        "B5" if one.code in ("database_statement", "other_database") else "B12", one.name,
        expected=f"refused: {one.code}, names the line; nothing happens"))
    for one in ATTACKS
]  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_statement_is_refused_by_its_line(attack: Attack, tmp_path: Path, seen: Seen):
    text = attack.text.format(file=tmp_path / "made", other="shop_us")
    stored = dump(CUSTOMERS, text, ORDERS)
    found = refusal(stored)
    message = reason_of(found)["message"]
    seen(told(found))
    assert attack.code in codes(found)
    # The dead letter's words are redacted; the place is what somebody needs to find it.
    assert f"line {line_of(stored, text)}," in message
    assert attack.code in message
    assert "tops3cret" not in str(found)
    assert list(tmp_path.iterdir()) == []


class Command:
    """`tributary dump check` in a process of its own, on a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, stored: bytes) -> subprocess.CompletedProcess[str]:
        file = self.folder / "dump.sql.gz"
        file.write_bytes(stored)
        return subprocess.run(
            [sys.executable, "-m", "tributary.cli", "dump", "check", str(file)],
            capture_output=True, text=True, timeout=120, cwd=self.folder,
            env={"PYTHONPATH": str(ROOT / "plugins"), "PATH": os.environ["PATH"]},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "status", "words"),
    [
        case("B2", "gzip cut at the last byte, by the command", PACKED[:-1], 1, f"compressed byte {len(PACKED) - 1}",
             expected="exit status 1, names the compressed byte"),
        case("B12", "a shell command, by the command", dump(CUSTOMERS, "\\! touch made\n", ORDERS), 1,
             "client_command", expected="exit status 1, names the line; creates nothing"),
        case("B2", "several members, by the command", members(GOOD), 0, "orders: 3", expected="exit status 0"),
    ],
)  # fmt: skip
def test_the_command_says_the_same(stored: bytes, status: int, words: str, tmp_path: Path, seen: Seen):
    done = Command(tmp_path)(stored)
    seen(f"exit status {done.returncode}: {done.stderr or done.stdout.splitlines()[0]}")
    assert done.returncode == status
    assert words in (done.stderr if status else done.stdout)
    assert [file.name for file in tmp_path.iterdir()] == ["dump.sql.gz"]
