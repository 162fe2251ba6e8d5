"""What holds for every dump: rows are counted right, chunks do not matter, damage is never `ok`."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tributary.dumps import DumpError, DumpReport, Statement, preflight, tokenize

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# Text that looks like SQL, and quotes and backslashes in every neighbourhood.
NASTY = st.lists(
    st.sampled_from(
        [
            *"' \" ` \\ ),( ( ) , ; -- # /* */ /*!40101 é 😀 x 0 VALUES $$ \\! DELIMITER".split(),
            *[" ", "\n", "\r", "\x00", "\x1a", "-- ", "-- Dump completed\n", "DELIMITER //\n"],
        ]
    ),
    max_size=8,
).map("".join)
INSERT = b"INSERT INTO `t` VALUES "
ESCAPES = {"\\": "\\\\", "\x00": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}


def escaped(text: str) -> str:
    """A value as mysqldump quotes it."""
    return "'" + "".join(ESCAPES.get(letter, letter) for letter in text).replace("'", "\\'") + "'"


def doubled(text: str) -> str:
    """A value as people quote it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def in_double_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


CONSTANT = st.one_of(
    st.tuples(st.sampled_from([escaped, doubled, in_double_quotes]), NASTY).map(lambda pair: pair[0](pair[1])),
    st.sampled_from(["NULL", "0", "-1", "1.5e10", "0xFF00", "b'01'", "''", "N'x'", "_binary '\\0'", "TRUE"]),
)
ROW = st.lists(CONSTANT, min_size=1, max_size=4)
BETWEEN = st.sampled_from([",", ", ", ",\n", " , ", ",\n  ", ", /* ),( */ ", ", -- ),(\n"])


@st.composite
def inserts(draw: st.DrawFn) -> tuple[bytes, int]:
    """An INSERT and the number of its rows."""
    rows = draw(st.lists(ROW, min_size=1, max_size=6))
    copies = draw(st.sampled_from([1, 1, 40, 400]))
    comma, separator = draw(st.sampled_from([",", ", "])), draw(BETWEEN)
    values = separator.join("(" + comma.join(row) + ")" for row in rows * copies)
    return INSERT + values.encode() + b";\n", len(rows) * copies


@EXAMPLES
@given(st.lists(inserts(), min_size=1, max_size=3))
def test_rows_are_counted_right(parts: list[tuple[bytes, int]]) -> None:
    found = list(tokenize([b"".join(text for text, _ in parts)]))
    assert [(token.rows, token.literal) for token in found if isinstance(token, Statement)] == [
        (rows, True) for _, rows in parts
    ]


@EXAMPLES
@given(
    st.one_of(inserts().map(lambda pair: pair[0]), NASTY.map(str.encode), st.binary(max_size=60)),
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
)
def test_any_cut_into_chunks_gives_the_same_tokens(text: bytes, sizes: list[int]) -> None:
    text += b"SET a; -- b\n"
    chunks, start = [], 0
    while start < len(text):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(text[start : start + size])
        start += size
    assert list(tokenize(chunks)) == list(tokenize([text]))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 997])
def test_any_cut_of_a_real_dump_into_chunks_gives_the_same_tokens(size: int, real_dump: bytes) -> None:
    chunks = [real_dump[start : start + size] for start in range(0, len(real_dump), size)]
    assert list(tokenize(chunks)) == list(tokenize([real_dump]))


def is_ok(stored: bytes) -> bool:
    try:
        return preflight(io.BytesIO(stored), "shop_eu").ok
    except DumpError:
        return False


@EXAMPLES
@given(data=st.data())
def test_a_plain_dump_cut_anywhere_is_never_ok(data: st.DataObject, real_dump: bytes) -> None:
    assert is_ok(real_dump)
    assert not is_ok(real_dump[: data.draw(st.integers(0, len(real_dump) - 1))])


def test_a_dump_cut_at_any_of_its_last_bytes_is_never_ok(real_dump: bytes) -> None:
    for missing in range(1, 120):
        assert not is_ok(real_dump[:-missing])


def test_a_gzip_cut_at_any_byte_is_never_ok(dump_with: Callable[[bytes], bytes]) -> None:
    stored = gzip.compress(dump_with(b""))
    assert is_ok(stored)
    assert not any(is_ok(stored[:size]) for size in range(len(stored)))


@EXAMPLES
@given(data=st.data())
def test_a_flipped_bit_in_a_gzip_is_noticed_or_harmless(
    data: st.DataObject, dump_with: Callable[[bytes], bytes]
) -> None:
    text = dump_with(b"")
    stored = bytearray(gzip.compress(text, mtime=0))
    # The ten bytes of the gzip header hold a time and the like, without a check sum.
    stored[data.draw(st.integers(10, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not is_ok(bytes(stored))


@EXAMPLES
@given(data=st.data())
def test_flipped_bytes_never_crash(data: st.DataObject, real_dump: bytes) -> None:
    damaged = bytearray(real_dump)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    is_ok(bytes(damaged))


@EXAMPLES
@given(st.binary(max_size=300))
def test_rubbish_never_crashes_and_is_never_ok(rubbish: bytes) -> None:
    assert not is_ok(rubbish)


@EXAMPLES
@given(text=NASTY, attack=st.sampled_from([b"DROP DATABASE other;", b"GRANT ALL;", b"SHUTDOWN;"]))
def test_text_in_a_row_never_hides_what_follows(
    text: str, attack: bytes, dump_with: Callable[[bytes], bytes], check: Callable[..., DumpReport]
) -> None:
    row = INSERT + f"(1,{escaped(text)});\n".encode()
    assert check(dump_with(row)).ok
    assert not check(dump_with(row + attack)).ok


# Whole dumps, made up.

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda text: zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": bz2.compress,
    "xz": lambda text: lzma.compress(text, preset=0),
}
HEAD = b"-- MySQL dump 10.13\n--\n-- Host: localhost    Database: shop_eu\n-- -----\n/*!40101 SET NAMES utf8mb4 */;\n"
FOOT = b"/*!40101 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2026-11-21  3:00:12\n"
# What must not be taken for the end of the dump, of a row or of a string.
HIDDEN = st.sampled_from(
    [FOOT.decode(), "-- Dump completed on 2026-11-21  3:00:12\n", "');", "/*", "*/", "\\", "DELIMITER"]
)
TRIGGER = (
    b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%%`*/ /*!50003 TRIGGER `x%d` AFTER INSERT ON `t%d` "
    b"FOR EACH ROW begin set @a = %s; end */;;\nDELIMITER ;\n"
)


@st.composite
def dumps(draw: st.DrawFn) -> tuple[bytes, dict[str, int]]:
    """A whole dump of `shop_eu`, and the rows of its tables."""
    text, tables = HEAD, {}
    for number in range(draw(st.integers(1, 3))):
        rows = draw(st.lists(st.one_of(ROW, HIDDEN.map(lambda hidden: [escaped(hidden)])), max_size=5))
        tables[f"t{number}"] = len(rows)
        text += b"CREATE TABLE `t%d` (\n  `a` int COMMENT %s\n);\n" % (number, escaped(draw(NASTY)).encode())
        text += b"--\n-- Dumping data for table `t%d`\n--\n\nLOCK TABLES `t%d` WRITE;\n" % (number, number)
        values = [b"(" + ",".join(row).encode() + b")" for row in rows]
        insert = b"INSERT INTO `t%d` VALUES " % number
        if draw(st.booleans()):
            text += b"".join(insert + value + b";\n" for value in values)
        elif values:
            text += insert + b",".join(values) + b";\n"
        text += b"UNLOCK TABLES;\n"
        if draw(st.booleans()):
            # An end of comment in there is refused: servers and clients disagree about it.
            text += TRIGGER % (number, number, escaped(draw(NASTY).replace("*/", "")).encode())
    return text + FOOT, tables


@EXAMPLES
@given(dumps(), st.sampled_from(sorted(COMPRESSIONS)))
def test_a_whole_dump_is_ok_and_its_rows_are_counted(dump: tuple[bytes, dict[str, int]], name: str) -> None:
    text, tables = dump
    report = preflight(io.BytesIO(COMPRESSIONS[name](text)), "shop_eu")
    assert report.ok, report.to_text()
    assert report.tables == tables
    assert report.sql_bytes == len(text)


@EXAMPLES
@given(dumps(), st.data())
@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_dump_cut_before_or_after_it_was_compressed_is_never_ok(
    name: str, dump: tuple[bytes, dict[str, int]], data: st.DataObject
) -> None:
    text, _ = dump
    stored = COMPRESSIONS[name](text)
    assert not is_ok(COMPRESSIONS[name](text[: data.draw(st.integers(0, len(text) - 1))]))
    assert not is_ok(stored[: data.draw(st.integers(0, len(stored) - 1))])


@EXAMPLES
@given(dumps(), st.data())
@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_damaged_dump_is_a_dump_error_or_a_report(
    name: str, dump: tuple[bytes, dict[str, int]], data: st.DataObject
) -> None:
    damaged = bytearray(COMPRESSIONS[name](dump[0]))
    places = st.integers(0, len(damaged) - 1)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(places)] ^= data.draw(st.integers(1, 255))
    is_ok(bytes(damaged))
    first, second = data.draw(places), data.draw(places)
    is_ok(bytes(damaged[:first] + damaged[second:]))  # a part twice, or a part left out


def alike_taken_together(chunks: list[bytes]) -> list[object]:
    """The tokens, with INSERTs of the same text that follow each other as one."""
    merged: list[list[object]] = []
    for token in tokenize(chunks):
        if not isinstance(token, Statement):
            merged.append([token])
        elif merged and merged[-1][:3] == [token.text, token.literal, token.flaws]:
            rows, count = merged[-1][3:5]
            merged[-1][3:] = [rows + token.rows, count + token.count, token.end, token.delimited]  # type: ignore[operator]
        else:
            merged.append([token.text, token.literal, token.flaws, token.rows, token.count, token.end, token.delimited])
    return [tuple(group) for group in merged]


@EXAMPLES
@given(st.lists(ROW, min_size=1, max_size=4), st.integers(1, 90), st.sampled_from([b"\n", b"", b" \n", b"\n-- x\n"]))
def test_inserts_of_one_row_are_the_same_in_any_chunks(rows: list[list[str]], size: int, end: bytes) -> None:
    one_by_one = [INSERT + b"(" + ",".join(row).encode() + b");" + end for row in rows * 5]
    text = b"".join(one_by_one)
    expected = alike_taken_together([text])
    assert expected == alike_taken_together([text[at : at + size] for at in range(0, len(text), size)])
    statements = [token for token in tokenize([text]) if isinstance(token, Statement)]
    assert (
        sum(statement.count for statement in statements)
        == sum(statement.rows for statement in statements)
        == len(one_by_one)
    )
    assert sum(b"INSERT" in text[at : at + 6] for at in (statement.offset for statement in statements)) == len(
        statements
    )
