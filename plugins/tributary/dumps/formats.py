"""Which format a file has, told by its first bytes and never by its name."""

from __future__ import annotations

from enum import StrEnum

from tributary.dumps.errors import DumpFormatUnsupported

# So many first bytes are enough to tell every format.
FIRST_BYTES = 512


class Compression(StrEnum):
    """How the text of a dump is stored."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


_COMPRESSIONS = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    # Frames to skip, with which parallel compressors begin their files.
    **{bytes([0x50 + n]) + b"\x2a\x4d\x18": Compression.ZSTD for n in range(16)},
    b"BZh": Compression.BZIP2,
    b"\xfd7zXZ\x00": Compression.XZ,
}
# What people upload instead of a dump.
_REFUSED = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress (.Z)",
    b"LZIP": "lzip",
    b"PGDMP": "PostgreSQL custom-format",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def compression_of(first: bytes) -> Compression:
    """The compression of a file that begins with `first`; NONE for text and for what is refused later."""
    found = (compression for magic, compression in _COMPRESSIONS.items() if first.startswith(magic))
    return next(found, Compression.NONE)


def needs_copy(name: str, compression: Compression) -> bool:
    """Whether Cloud SQL would misread an object: it imports plain SQL, and gzip from names that end in `.gz`.

    Source: "Best practices for importing and exporting data" and `gcloud sql import sql` in Cloud SQL's manual.
    """
    return compression is not (Compression.GZIP if name.endswith(".gz") else Compression.NONE)


def refuse_other_formats(first: bytes, outside: Compression = Compression.NONE) -> None:
    """Raise `DumpFormatUnsupported` unless text can begin with `first`, which was stored as `outside`."""
    found = next((name for magic, name in _REFUSED.items() if first.startswith(magic)), None)
    inside = compression_of(first)
    if found is None and inside is not Compression.NONE:
        found = f"{inside} (a second time)" if inside is outside else str(inside)
    if found is None and first[257:262] == b"ustar":
        found = "tar"
    if found is None and b"\x00" in first[:FIRST_BYTES]:
        found = "binary data"
    if found:
        where = "the file" if outside is Compression.NONE else f"the {outside} file's content"
        raise DumpFormatUnsupported(
            f"expected SQL text, plain or in one of gzip, zstd, bzip2 and xz, found {found} at byte 0 of {where}; "
            "write the dump with `mysqldump ... | gzip`"
        )
