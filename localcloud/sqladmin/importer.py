"""Importing a dump: object store -> gunzip -> the ``mariadb`` client, as a stream of constant memory.

Nothing protects the server from the dump's content beyond the import account's missing privileges: as on
Cloud SQL, ``CREATE DATABASE`` and ``USE`` in a dump OVERRIDE the database named in the request.

One protection is local: the client runs with ``--sandbox``, because a dump can otherwise run shell commands
(``\\!``, CVE-2024-21096), here on the developer's own machine.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

import urllib3

from localcloud.mysql import program
from localcloud.sqladmin.config import Config
from localcloud.sqladmin.errors import ApiError
from localcloud.sqladmin.operations import OperationFailed
from localcloud.sqladmin.server import IMPORT_USER, Server

CHUNK = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
# How often to look for a cancellation while the server works on a long statement.
LOOK_SECONDS = 0.2
TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)


@dataclass(frozen=True)
class DumpObject:
    """One object of a bucket."""

    bucket: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> DumpObject:
        """Read ``gs://bucket/object``; raises ApiError 400 otherwise."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://") or not bucket or not name:
            raise ApiError(400, f"Invalid value for importContext.uri: expected gs://bucket/object, found {uri!r}")
        return cls(bucket, name)

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


def gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks' plain content: unpacked when it starts like gzip (several members are one content).

    Raises OperationFailed after the last good byte when the gzip data is broken or cut.
    """
    unpack = None
    first = True
    for chunk in chunks:
        if first and chunk.startswith(GZIP_MAGIC):
            unpack = zlib.decompressobj(wbits=31)
        first = False
        if unpack is None:
            yield chunk
            continue
        data = chunk
        while data:
            if unpack.eof:
                unpack = zlib.decompressobj(wbits=31)
            try:
                yield unpack.decompress(data, CHUNK)
            except zlib.error as error:
                raise OperationFailed("ERROR_RDBMS", f"gzip: stdin: invalid compressed data: {error}") from error
            data = unpack.unconsumed_tail or unpack.unused_data
    if unpack is not None and not unpack.eof:
        raise OperationFailed("ERROR_RDBMS", "gzip: stdin: unexpected end of file")


class Importer:
    """Runs imports into one server."""

    def __init__(self, config: Config, server: Server) -> None:
        self._config = config
        self._server = server

    def run(self, source: DumpObject, database: str, cancel: threading.Event) -> None:
        """Import *source* into *database* (empty: the dump must choose one). Raises OperationFailed.

        What was executed before a failure stays in the server.
        """
        self._server.prepare_import()
        place = f"b/{source.bucket}/o/{quote(source.name, safe='')}"
        url = f"{self._config.storage_url}/download/storage/v1/{place}?alt=media"
        try:
            with (
                urllib3.PoolManager(retries=False, timeout=TIMEOUT) as pool,
                pool.request("GET", url, preload_content=False) as answer,
            ):
                if answer.status == 404:
                    raise OperationFailed("NOT_FOUND", f"The object {source} does not exist.")
                if answer.status != 200:
                    raise OperationFailed("INTERNAL", f"Reading {source} failed: HTTP {answer.status}")
                self._feed(gunzipped(answer.stream(CHUNK, decode_content=False)), database, cancel)
        except urllib3.exceptions.HTTPError as error:
            raise OperationFailed("INTERNAL", f"Reading {source} failed: {type(error).__name__}: {error}") from error

    def _feed(self, content: Iterator[bytes], database: str, cancel: threading.Event) -> None:
        # The client reads in small pieces, and each wakes who writes to a full pipe; a socket lets it sleep until there
        # is room for more.
        dump, theirs = socket.socketpair()
        dump.settimeout(LOOK_SECONDS)
        with theirs:
            try:
                client = self._client(database, theirs)
            except BaseException:
                dump.close()
                raise
        errors: list[bytes] = []
        reader = threading.Thread(target=_collect, args=(client, errors), daemon=True)
        reader.start()
        broken: OperationFailed | None = None
        try:
            for chunk in content:
                rest = memoryview(chunk)
                while rest and not cancel.is_set():
                    with suppress(TimeoutError):
                        rest = rest[dump.send(rest) :]
                if cancel.is_set():
                    client.kill()
                    break
        except ConnectionError:
            pass  # the client stopped at an error and says so on its standard error
        except OperationFailed as error:
            broken = error
        except BaseException:
            client.kill()
            raise
        finally:
            dump.close()
            while client.poll() is None:
                if cancel.wait(0.02):
                    client.kill()
                    client.wait()
            reader.join()
        if cancel.is_set():
            raise OperationFailed("CANCELLED", "The operation was cancelled.")
        if broken is not None:
            raise broken
        if client.returncode:
            message = error_lines(b"".join(errors).decode("utf-8", "replace"))
            raise OperationFailed("ERROR_RDBMS", f"exit status {client.returncode}: {message}")

    def _client(self, database: str, dump: socket.socket) -> subprocess.Popen[bytes]:
        command = [
            program("mariadb"), "--no-defaults", "--protocol=tcp", f"--host={self._config.host}",
            f"--port={self._config.port}", f"--user={IMPORT_USER}", "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G", "--local-infile=0", "--sandbox", "--batch",
            *([f"--database={database}"] if database else []),
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            stdin=dump,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "MYSQL_PWD": self._server.import_password},
        )


def error_lines(output: str) -> str:
    """The client's ``ERROR ...`` lines only: it also prints the failed statement, with the data in it."""
    lines = [line for line in output.splitlines() if line.startswith("ERROR ")]
    return "\n".join(lines) or "the client ended without an error message"


def _collect(client: subprocess.Popen[bytes], errors: list[bytes], chunks: int = 8) -> None:
    """Keep the last *chunks* pieces of the client's standard error, where its message is."""
    while chunk := client.stderr.read1(CHUNK):  # type: ignore[union-attr]
        errors.append(chunk)
        del errors[:-chunks]
