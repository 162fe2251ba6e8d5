"""Dumps a production database the way the companies do each night: mariadb-dump and gzip, as a stream."""

import os
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

from simulator.errors import DumpError
from simulator.settings import Settings

PROGRAM = "mariadb-dump"
READ_BYTES = 256 * 1024
GZIP_LEVEL = 1  # dumps live for days and are made in seconds
GZIP_WINDOW = 31  # zlib's largest window, with a gzip header; its time stamp is 0, so equal dumps are equal bytes
FIRST_TABLE = b"--\n-- Table structure for table"


def dump(settings: Settings, database: str) -> Iterator[bytes]:
    """The SQL text of a consistent dump of `database`, in pieces.

    Raises DumpError after the last piece when the program failed: a reader never takes a part for the whole.
    """
    command = [
        PROGRAM,
        "--no-defaults",
        "--protocol=tcp",
        f"--host={settings.host}",
        f"--port={settings.port}",
        f"--user={settings.user}",
        "--single-transaction",
        "--skip-dump-date",
        "--default-character-set=utf8mb4",
        database,
    ]
    # The password goes through the environment: a command line is visible to every user of the machine.
    environment = {**os.environ, "MYSQL_PWD": settings.password}
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=environment)
        except FileNotFoundError as error:
            raise DumpError(f"program {PROGRAM} is not installed; it comes with the MariaDB client") from error
        with process:
            output: IO[bytes] = process.stdout  # type: ignore[assignment]
            try:
                while piece := output.read(READ_BYTES):
                    yield piece
            except GeneratorExit:
                process.kill()
                raise
        if process.returncode:
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip()
            raise DumpError(f"{PROGRAM} of {database!r} ended with status {process.returncode}: {reason}")


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip member with the pieces; the same bytes for the same pieces."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def using_another_database(pieces: Iterable[bytes], other: str) -> Iterator[bytes]:
    """The dump with `create database` and `use` of `other` before its first table, as of `--databases`."""
    head = b""
    rest = iter(pieces)
    for piece in rest:
        head += piece
        if FIRST_TABLE in head:
            break
    before, table, after = head.partition(FIRST_TABLE)
    yield before
    yield f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{other}`;\n\nUSE `{other}`;\n\n".encode()
    yield table + after
    yield from rest


def first_half(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The first half of the bytes; the whole is kept on disk meanwhile."""
    with tempfile.TemporaryFile() as whole:
        whole.writelines(pieces)
        left = whole.tell() // 2
        whole.seek(0)
        while left:
            piece = whole.read(min(left, READ_BYTES))
            left -= len(piece)
            yield piece
