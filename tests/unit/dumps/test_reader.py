"""Reading a dump by content: what is whole is read, what is not has a name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

import pytest

from tributary.dumps import (
    DumpCorrupt,
    DumpEmpty,
    DumpError,
    DumpFormatUnsupported,
    DumpTooLarge,
    DumpTruncated,
    open_dump,
)

TEXT = b"".join(b"INSERT INTO `t` VALUES (%d,'row number %d');\n" % (n, n * n) for n in range(60_000))


def read(stored: bytes, max_bytes: int = 2**40) -> bytes:
    return b"".join(open_dump(io.BytesIO(stored), max_bytes))


class Trickle(io.RawIOBase):
    """A stream that gives few bytes at a time, as a socket may."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 7))


def test_plain_text_is_read_whatever_its_name_was() -> None:
    assert read(TEXT) == TEXT


def test_gzip_is_read() -> None:
    assert read(gzip.compress(TEXT)) == TEXT


def test_gzip_of_several_members_and_zero_padding_is_read() -> None:
    members = [TEXT[:1000], b"", TEXT[1000:400_000], TEXT[400_000:]]
    assert read(b"".join(map(gzip.compress, members)) + b"\x00" * 700_000) == TEXT


def test_a_stream_of_small_reads_is_read() -> None:
    text = TEXT[:20_000]
    assert b"".join(open_dump(Trickle(gzip.compress(text)))) == text
    assert b"".join(open_dump(Trickle(text))) == text


def test_chunks_stay_small_even_for_a_bomb() -> None:
    bomb = gzip.compress(bytes([32]) * 50_000_000)
    assert len(bomb) < 60_000
    assert max(map(len, open_dump(io.BytesIO(bomb)))) <= 2**20


def test_a_bomb_ends_at_the_bound() -> None:
    bomb = gzip.compress(bytes([32]) * 5_000_000)
    with pytest.raises(DumpTooLarge, match="at most 4,000,000 bytes"):
        read(bomb, max_bytes=4_000_000)
    assert len(read(bomb, max_bytes=5_000_000)) == 5_000_000


@pytest.mark.parametrize("stored", [b"", gzip.compress(b""), gzip.compress(b"") * 3])
def test_nothing_is_empty(stored: bytes) -> None:
    with pytest.raises(DumpEmpty):
        read(stored)


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.999])
def test_a_cut_gzip_is_truncated(keep: float) -> None:
    stored = gzip.compress(TEXT)
    with pytest.raises(DumpTruncated, match="end mark"):
        read(stored[: int(len(stored) * keep)])


@pytest.mark.parametrize("missing", [1, 4, 8])
def test_a_gzip_without_its_last_bytes_is_truncated(missing: int) -> None:
    with pytest.raises(DumpTruncated):
        read(gzip.compress(TEXT)[:-missing])


def test_a_bad_crc_is_corrupt() -> None:
    stored = bytearray(gzip.compress(TEXT))
    stored[-8] ^= 1
    with pytest.raises(DumpCorrupt, match="incorrect data check"):
        read(bytes(stored))


def test_a_bad_length_is_corrupt() -> None:
    stored = bytearray(gzip.compress(TEXT))
    stored[-1] ^= 1
    with pytest.raises(DumpCorrupt, match="incorrect length check"):
        read(bytes(stored))


def test_rubbish_after_a_member_is_corrupt() -> None:
    with pytest.raises(DumpCorrupt):
        read(gzip.compress(TEXT) + b"rubbish")


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("dump.sql", TEXT)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("dump.sql"), io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        (_zip(), "zip"),
        (_tar(), "tar"),
        (gzip.compress(_tar()), "tar"),
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"\x28\xb5\x2f\xfd" + TEXT, "zstd"),
        (gzip.compress(gzip.compress(TEXT)), "gzip (a second time)"),
        (TEXT.decode().encode("utf-16"), "UTF-16 text"),
        (zlib.compress(bytes(2000)) + bytes(600), "binary data"),
    ],
)
def test_other_formats_are_named(stored: bytes, name: str) -> None:
    with pytest.raises(DumpFormatUnsupported) as caught:
        read(stored)
    assert f"found {name} at byte 0" in str(caught.value)


def test_every_error_is_a_dump_error() -> None:
    for error in (DumpCorrupt, DumpEmpty, DumpFormatUnsupported, DumpTooLarge, DumpTruncated):
        assert issubclass(error, DumpError)
