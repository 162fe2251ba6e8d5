"""Decompression in constant memory, for every format in the same way and with the same errors."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from tributary.dumps.errors import DumpCorrupt, DumpFormatUnsupported, DumpTruncated
from tributary.dumps.formats import Compression

# What a file may ask for to be unpacked: above `xz -9` (65 MiB), and as much as the command `zstd -d` allows.
_MEMORY = 2**27
_TEXT = 256 * 1024


class _Unit(Protocol):
    """One gzip member, bzip2 or xz stream, or zstd frame; the interface of the standard library's decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipMember:
    """A gzip member with that interface. zlib checks CRC and length."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._member.decompress(self._member.unconsumed_tail + data, max_length)
        # A full buffer may hide more output even when all input is consumed.
        self.needs_input = len(text) < max_length
        return text


def unpack(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The text of a compressed file, all its units one after the other, in chunks of at most 256 KiB.

    Raises `DumpTruncated` when the last unit is not at its end, `DumpCorrupt` for what contradicts the format
    or its check sums, `DumpFormatUnsupported` for a file that needs more than 128 MiB to be unpacked.
    """
    new, errors = _format(compression)
    # Zeros may fill a gzip or xz file up to the size of a block.
    padding = b"\x00" if compression in (Compression.GZIP, Compression.XZ) else b""
    unit = new()
    consumed = 0  # compressed bytes of the pieces before this one
    for piece in pieces:
        rest = piece
        while rest:
            if unit.eof:  # what follows a unit is another one or padding
                rest = rest.lstrip(padding) if padding else rest
                if not rest:
                    break
                unit = new()
            try:
                yield from _texts(unit, rest)
            except errors as error:
                raise _unreadable(error, compression, consumed, consumed + len(piece)) from error
            rest = unit.unused_data if unit.eof else b""
        consumed += len(piece)
    if not unit.eof:
        raise DumpTruncated(
            f"expected the end mark of the {compression} file, found its end at compressed byte {consumed}; "
            "the upload or the dump broke off: repeat it"
        )


def _texts(unit: _Unit, data: bytes) -> Iterator[bytes]:
    while True:
        text = unit.decompress(data, _TEXT)
        if text:
            yield text
        if unit.eof or unit.needs_input:
            return
        data = b""


def _unreadable(error: Exception, compression: Compression, begin: int, end: int) -> Exception:
    place = f"near compressed byte {begin} to {end}"
    if "memory" in str(error).lower():
        return DumpFormatUnsupported(
            f"expected {compression} data that is unpacked in {_MEMORY // 2**20} MiB of memory, found {error} {place}; "
            "compress with a smaller window, such as the presets up to -9 have"
        )
    return DumpCorrupt(f"expected intact {compression} data, found {error} {place}; repeat the dump or the upload")


def _format(compression: Compression) -> tuple[Callable[[], _Unit], tuple[type[Exception], ...]]:
    """What opens a unit of a format, and what that raises for bad data."""
    match compression:
        case Compression.GZIP:
            return _GzipMember, (zlib.error,)
        case Compression.BZIP2:
            return bz2.BZ2Decompressor, (OSError, ValueError)
        case Compression.XZ:
            return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY), (lzma.LZMAError,)
        case Compression.ZSTD:
            # Only here: the one format that the standard library lacks before Python 3.14.
            from backports import zstd

            options = {int(zstd.DecompressionParameter.window_log_max): _MEMORY.bit_length() - 1}
            return lambda: zstd.ZstdDecompressor(options=options), (zstd.ZstdError,)
        case Compression.NONE:
            raise ValueError("expected a compression, found none; read plain text as it is")
