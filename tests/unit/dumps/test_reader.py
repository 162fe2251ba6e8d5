"""Reading a dump by content: what is whole is read, what is not has a name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from tributary.dumps import (
    DumpCorrupt,
    DumpEmpty,
    DumpError,
    DumpFormatUnsupported,
    DumpTooLarge,
    DumpTruncated,
    needs_copy,
    open_dump,
    reader,
)
from tributary.dumps.formats import Compression

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


def test_gzip_of_several_members_and_zero_padding_is_read() -> None:
    members = [TEXT[:1000], b"", TEXT[1000:400_000], TEXT[400_000:]]
    assert read(b"".join(map(gzip.compress, members)) + b"\x00" * 700_000) == TEXT


def test_a_bomb_ends_at_the_bound() -> None:
    bomb = gzip.compress(bytes([32]) * 5_000_000)
    with pytest.raises(DumpTooLarge, match="at most 4,000,000 bytes"):
        read(bomb, max_bytes=4_000_000)
    assert len(read(bomb, max_bytes=5_000_000)) == 5_000_000


def test_nothing_is_empty() -> None:
    with pytest.raises(DumpEmpty):
        read(b"")


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
        (gzip.compress(gzip.compress(TEXT)), "gzip (a second time)"),
        (TEXT.decode().encode("utf-16"), "UTF-16 text"),
        (zlib.compress(bytes(2000)) + bytes(600), "binary data"),
    ],
    # Names that are the same in every process; gzip writes the time.
    ids=["zip", "tar", "tar.gz", "gzip of gzip", "UTF-16", "zlib"],
)
def test_other_formats_are_named(stored: bytes, name: str) -> None:
    with pytest.raises(DumpFormatUnsupported) as caught:
        read(stored)
    assert f"found {name} at byte 0" in str(caught.value)


# The same for every compression.

SOME = TEXT[:600_000]
Compress = Callable[[bytes], bytes]


def zstd_with_checksum(text: bytes) -> bytes:
    """As the command `zstd` writes it."""
    return zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "zstd": zstd_with_checksum,
    "bzip2": bz2.compress,
    "xz": lambda text: lzma.compress(text, preset=1),
}


@pytest.fixture(params=COMPRESS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def compress(name: str) -> Compress:
    return COMPRESS[name]


def test_a_compressed_dump_is_read_and_its_compression_told(name: str, compress: Compress) -> None:
    text = open_dump(io.BytesIO(compress(SOME)))
    assert b"".join(text) == SOME
    assert text.compression == name


def test_the_compression_of_plain_text_is_none() -> None:
    assert open_dump(io.BytesIO(SOME)).compression is Compression.NONE


def test_several_units_in_one_file_are_one_dump(compress: Compress) -> None:
    parts = [SOME[:1000], b"", SOME[1000:400_000], SOME[400_000:]]
    assert read(b"".join(map(compress, parts))) == SOME


def test_small_reads_of_a_compressed_dump(compress: Compress) -> None:
    assert b"".join(open_dump(Trickle(compress(TEXT[:20_000])))) == TEXT[:20_000]


def test_frames_to_skip_are_skipped() -> None:
    skip = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00abcd"
    assert read(skip + zstd.compress(SOME) + skip) == SOME


def test_zeros_behind_an_xz_file_are_skipped() -> None:
    stored = lzma.compress(TEXT[:10_000])
    assert read(stored + bytes(8) + stored) == TEXT[:10_000] * 2


def test_a_compressed_file_of_nothing_is_empty(compress: Compress) -> None:
    for stored in (compress(b""), compress(b"") * 3):
        with pytest.raises(DumpEmpty):
            read(stored)


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.999])
def test_a_compressed_file_that_is_cut_is_truncated(keep: float, name: str, compress: Compress) -> None:
    stored = compress(SOME)
    size = int(len(stored) * keep)
    with pytest.raises(DumpTruncated, match=rf"{name} file, found its end at compressed byte {size}"):
        read(stored[:size])


def test_a_compressed_file_without_its_last_byte_is_truncated(compress: Compress) -> None:
    with pytest.raises(DumpTruncated):
        read(compress(SOME)[:-1])
    with pytest.raises(DumpTruncated):
        read(compress(SOME) + compress(SOME)[:-1])


def test_damage_is_corrupt_and_says_where(name: str, compress: Compress) -> None:
    some = random.Random(0)
    noise = b"".join(b"INSERT INTO `t` VALUES ('%x');\n" % some.getrandbits(800) for _ in range(2000))
    stored = bytearray(compress(noise))
    assert len(stored) > 3 * 65536
    stored[2 * 65536 + 100] ^= 0x55
    with pytest.raises(DumpCorrupt, match=rf"intact {name} data, found .* near compressed byte \d+ to \d+; repeat"):
        read(bytes(stored))


def test_rubbish_behind_a_compressed_dump_is_an_error(compress: Compress) -> None:
    with pytest.raises(DumpCorrupt):
        read(compress(SOME) + b"rubbish, and more than the header of any format has")


def test_a_format_inside_a_format_is_refused(name: str, compress: Compress) -> None:
    for inside, pack in COMPRESS.items():
        found = rf"{inside} \(a second time\)" if inside == name else inside
        with pytest.raises(DumpFormatUnsupported, match=rf"found {found} at byte 0 of the {name} file's content"):
            read(compress(pack(SOME)))
    with pytest.raises(DumpFormatUnsupported, match="found zip"):
        read(compress(_zip()))


def test_a_bomb_is_unpacked_in_small_chunks_and_little_memory(compress: Compress) -> None:
    bomb = compress(bytes([32]) * 30_000_000)
    tracemalloc.start()
    try:
        assert max(map(len, open_dump(io.BytesIO(bomb)))) <= 2**19
        assert tracemalloc.get_traced_memory()[1] < 12_000_000  # xz asks for a window of 8 MiB
    finally:
        tracemalloc.stop()


def test_too_much_text_ends_at_the_bound(compress: Compress) -> None:
    bomb = compress(bytes([32]) * 5_000_000)
    with pytest.raises(DumpTooLarge, match="at most 4,000,000 bytes"):
        read(bomb, max_bytes=4_000_000)


def test_a_text_a_thousand_times_its_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zstd.compress(bytes([32]) * 20_000_000)
    assert len(read(bomb)) == 20_000_000  # harmless while it is small
    monkeypatch.setattr(reader, "RATIO_FROM", 10_000_000)
    with pytest.raises(DumpTooLarge, match="at most 1,000 times the compressed size"):
        read(bomb)
    assert len(read(zstd.compress(random.Random(0).randbytes(10_500_000).hex().encode()))) == 21_000_000


def test_what_needs_too_much_memory_to_unpack_is_refused() -> None:
    large = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**28}]
    with pytest.raises(DumpFormatUnsupported, match="128 MiB"):
        read(lzma.compress(SOME, filters=large))
    options = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    with pytest.raises(DumpFormatUnsupported, match="128 MiB"):
        read(packer.compress(SOME) + packer.flush())


def test_the_largest_usual_windows_are_read() -> None:
    assert read(lzma.compress(SOME, preset=9)) == SOME
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    assert read(packer.compress(SOME) + packer.flush()) == SOME


@pytest.mark.parametrize(
    ("name", "compression", "expected"),
    [
        ("dump.sql", "none", False),
        ("dump.sql.gz", "gzip", False),
        ("dump.sql", "gzip", True),
        ("dump.sql.gz", "none", True),
        ("dump.sql.GZ", "gzip", True),
        ("dump.sql.zst", "zstd", True),
        ("dump.sql.gz", "zstd", True),
        ("dump.sql.bz2", "bzip2", True),
        ("dump.sql.xz", "xz", True),
    ],
)
def test_cloud_sql_reads_gzip_from_names_that_say_so(name: str, compression: str, expected: bool) -> None:
    assert needs_copy(name, Compression(compression)) is expected


def test_every_error_is_a_dump_error() -> None:
    for error in (DumpCorrupt, DumpEmpty, DumpFormatUnsupported, DumpTooLarge, DumpTruncated):
        assert issubclass(error, DumpError)
