"""The text of a dump, whatever its file name says: plain or gzip, told apart by content."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from tributary.dumps.errors import (
    DumpCorrupt,
    DumpEmpty,
    DumpFormatUnsupported,
    DumpTooLarge,
    DumpTruncated,
)

MAX_BYTES = 2**40
_READ = 256 * 1024
_TEXT = 512 * 1024

_GZIP = b"\x1f\x8b"
# First bytes of what people upload instead of a gzip or plain dump.
_REFUSED = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress (.Z)",
    b"LZIP": "lzip",
    b"PGDMP": "PostgreSQL custom-format",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def open_dump(stream: BinaryIO, max_bytes: int = MAX_BYTES) -> Iterator[bytes]:
    """The decompressed text of `stream` in chunks of at most 1 MiB, in constant memory.

    Plain text and gzip (also of several members, also zero-padded) are read. The stream is read from where it
    stands to its end and is not closed.

    Raises at once `DumpEmpty` for no bytes and `DumpFormatUnsupported` for another format; while iterating
    `DumpTruncated`, `DumpCorrupt`, `DumpEmpty` (a gzip of nothing), `DumpFormatUnsupported` (a zip inside a
    gzip) and `DumpTooLarge` (more than `max_bytes` of text). What `stream.read` raises passes through.
    """
    first = _read_at_least(stream, 512)
    if not first:
        raise DumpEmpty("expected a dump, found an object of 0 bytes; repeat the dump and the upload")
    if not first.startswith(_GZIP):
        _refuse_other_formats(first, where="the file")
        return _bounded(_plain(first, stream), max_bytes)
    return _bounded(_checked(_gunzip(first, stream)), max_bytes)


def _read_at_least(stream: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := stream.read(_READ)):
        data += more
    return data


def _refuse_other_formats(first: bytes, where: str) -> None:
    found = next((name for magic, name in _REFUSED.items() if first.startswith(magic)), None)
    if found is None and first.startswith(_GZIP):
        found = "gzip (a second time)"
    if found is None and first[257:262] == b"ustar":
        found = "tar"
    if found is None and b"\x00" in first[:512]:
        found = "binary data"
    if found:
        raise DumpFormatUnsupported(
            f"expected SQL text or gzip, found {found} at byte 0 of {where}; write the dump with `mysqldump ... | gzip`"
        )


def _plain(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield first
    while data := stream.read(_READ):
        yield data


def _gunzip(data: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file, one after the other; zlib checks each one's CRC and length."""
    member = zlib.decompressobj(wbits=31)
    consumed = 0  # compressed bytes of the pieces before `data`
    while True:
        piece = data
        while piece:
            if member.eof:  # what follows a member is another member or zero padding
                piece = piece.lstrip(b"\x00")
                if not piece:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                text = member.decompress(piece, _TEXT)
                while text:
                    yield text
                    # A full buffer may hide more output even when all input is consumed.
                    text = member.decompress(member.unconsumed_tail, _TEXT) if not member.eof else b""
            except zlib.error as error:
                raise DumpCorrupt(
                    f"expected intact gzip data, found {error} near compressed byte {consumed} to "
                    f"{consumed + len(data)}; repeat the dump or the upload"
                ) from error
            piece = member.unused_data if member.eof else b""
        consumed += len(data)
        data = stream.read(_READ)
        if not data:
            break
    if not member.eof:
        raise DumpTruncated(
            f"expected the end mark of the gzip file, found its end at compressed byte {consumed}; "
            "the upload or the dump broke off: repeat it"
        )


def _checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= 512:
            break
    if not first:
        raise DumpEmpty("expected SQL text, found a gzip file of nothing; look at the log of the dump job")
    _refuse_other_formats(first, where="the gzip file's content")
    yield first
    yield from chunks


def _bounded(chunks: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise DumpTooLarge(
                f"expected at most {max_bytes:,} bytes of text, found more; "
                "if the database really is that large, raise max_bytes"
            )
        yield chunk
