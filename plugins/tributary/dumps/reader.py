"""The text of a dump, whatever its file name says: plain or compressed, told apart by content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from tributary.dumps.errors import DumpEmpty, DumpTooLarge
from tributary.dumps.formats import FIRST_BYTES, Compression, compression_of, refuse_other_formats
from tributary.dumps.unpacking import unpack

MAX_BYTES = 2**40
# Real dumps shrink to a third or a thirtieth. Small files may do better: what they unpack to is harmless.
MAX_RATIO = 1000
RATIO_FROM = 2**30
_READ = 256 * 1024
# Less at a time: each end of a member copies what is behind it, and members can be as short as 20 bytes.
_READ_COMPRESSED = 64 * 1024


class DumpText(Iterator[bytes]):
    """The text of one dump in chunks of at most 512 KiB; `compression` is how it was stored."""

    def __init__(self, chunks: Iterator[bytes], compression: Compression) -> None:
        self._chunks = chunks
        self.compression = compression

    def __next__(self) -> bytes:
        return next(self._chunks)


class _Pieces(Iterator[bytes]):
    """What a stream holds, as it is stored, counted in `size`."""

    def __init__(self, first: bytes, stream: BinaryIO, at_once: int) -> None:
        self._first = first
        self._stream = stream
        self._at_once = at_once
        self.size = 0

    def __next__(self) -> bytes:
        piece, self._first = self._first or self._stream.read(self._at_once), b""
        self.size += len(piece)
        if not piece:
            raise StopIteration
        return piece


def open_dump(stream: BinaryIO, max_bytes: int = MAX_BYTES) -> DumpText:
    """The decompressed text of `stream`, in constant memory.

    Plain text, gzip, zstd, bzip2 and xz are read, also of several members, streams or frames. The stream is
    read from where it stands to its end and is not closed.

    Raises at once `DumpEmpty` for no bytes and `DumpFormatUnsupported` for another format; while iterating
    `DumpTruncated`, `DumpCorrupt`, `DumpEmpty` (a compressed file of nothing), `DumpFormatUnsupported` (a
    format inside a format, or a window above 128 MiB) and `DumpTooLarge` (more than `max_bytes` of text, or
    more than 1 GiB of it that is more than 1000 times what is stored). What `stream.read` raises passes through.
    """
    first = _read_at_least(stream, FIRST_BYTES)
    if not first:
        raise DumpEmpty("expected a dump, found an object of 0 bytes; repeat the dump and the upload")
    compression = compression_of(first)
    if compression is Compression.NONE:
        refuse_other_formats(first)
        pieces = _Pieces(first, stream, _READ)
        return DumpText(_bounded(pieces, pieces, max_bytes), compression)
    pieces = _Pieces(first, stream, _READ_COMPRESSED)
    text = _checked(unpack(pieces, compression), compression)
    return DumpText(_bounded(text, pieces, max_bytes), compression)


def _read_at_least(stream: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := stream.read(_READ_COMPRESSED)):
        data += more
    return data


def _checked(chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= FIRST_BYTES:
            break
    if not first:
        raise DumpEmpty(f"expected SQL text, found a {compression} file of nothing; look at the log of the dump job")
    refuse_other_formats(first, outside=compression)
    yield first
    yield from chunks


def _bounded(chunks: Iterator[bytes], stored: _Pieces, max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise DumpTooLarge(
                f"expected at most {max_bytes:,} bytes of text, found more; "
                "if the database really is that large, raise max_bytes"
            )
        if size > RATIO_FROM and size > MAX_RATIO * stored.size:
            raise DumpTooLarge(
                f"expected text of at most {MAX_RATIO:,} times the compressed size, found {size:,} bytes in the first "
                f"{stored.size:,} compressed ones; a bomb, or a dump of one value: store it with less compression"
            )
        yield chunk
