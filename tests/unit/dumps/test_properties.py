"""What holds for every dump: rows are counted right, chunks do not matter, damage is never `ok`."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pytest
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
