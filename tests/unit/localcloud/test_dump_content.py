"""Unpacking what an import reads, and what its errors say."""

from __future__ import annotations

import gzip
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.sqladmin.errors import ApiError
from localcloud.sqladmin.importer import CHUNK, DumpObject, Importer, error_lines, gunzipped
from localcloud.sqladmin.operations import OperationFailed


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("size", [2, 7, 100_000])
def test_gzip_of_several_members_is_one_content(size: int) -> None:
    content = gzip.compress(b"create table t;\n") + gzip.compress(b"") + gzip.compress(b"insert into t;\n" * 999)

    assert b"".join(gunzipped(pieces(content, size))) == b"create table t;\n" + b"insert into t;\n" * 999


def test_plain_content_passes_unchanged() -> None:
    assert b"".join(gunzipped(pieces(b"\x1f plain, not gzip", 5))) == b"\x1f plain, not gzip"
    assert list(gunzipped(iter(()))) == []


def test_a_highly_compressed_dump_is_unpacked_in_bounded_pieces() -> None:
    content = gzip.compress(b"\0" * (20 * CHUNK))

    assert max(len(piece) for piece in gunzipped(iter([content]))) <= CHUNK


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"x" * 999)[:-1], "unexpected end of file"),
        (gzip.compress(b"x" * 999)[:15], "unexpected end of file"),
        (gzip.compress(b"x" * 999)[:-8] + b"\0" * 8, "invalid compressed data"),
        (gzip.compress(b"x") + b"trailing rubbish", "invalid compressed data"),
    ],
)
def test_broken_gzip_is_an_error_after_its_last_good_byte(content: bytes, message: str) -> None:
    with pytest.raises(OperationFailed, match=message):
        list(gunzipped(iter([content])))


@pytest.mark.parametrize("uri", ["", "gs://", "gs://bucket", "gs://bucket/", "s3://bucket/a", "/bucket/a"])
def test_an_address_that_is_no_object_is_refused(uri: str) -> None:
    with pytest.raises(ApiError, match="expected gs://bucket/object"):
        DumpObject.parse(uri)


def test_an_object_may_have_slashes() -> None:
    assert str(DumpObject.parse("gs://bucket/shop_eu/2013-01-01/shop_eu.sql.gz")).endswith("/shop_eu.sql.gz")


def test_errors_do_not_repeat_the_statement() -> None:
    output = "-----\ninsert into people values ('private')\n-----\n\nERROR 1146 (42S02) at line 2: no\n"

    assert error_lines(output) == "ERROR 1146 (42S02) at line 2: no"
    assert error_lines("") == "the client ended without an error message"


class Cut(BaseHTTPRequestHandler):
    """A bucket that hangs up after half of an object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "20")
        self.end_headers()
        self.wfile.write(b"select 1;\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_half_an_object_is_no_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = []

    def client(_: Importer, __: str, dump: Any) -> subprocess.Popen[bytes]:
        clients.append(subprocess.Popen(["cat"], stdin=dump, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        return clients[-1]

    monkeypatch.setattr(Importer, "_client", client)
    with HTTPServer(("127.0.0.1", 0), Cut) as bucket:
        threading.Thread(target=bucket.handle_request).start()
        config = SimpleNamespace(storage_url=f"http://127.0.0.1:{bucket.server_port}")
        importer = Importer(config, SimpleNamespace(prepare_import=lambda: None))  # type: ignore[arg-type]
        with pytest.raises(OperationFailed) as failed:
            importer.run(DumpObject("b", "o"), "db", threading.Event())
    assert failed.value.code == "INTERNAL"
    assert clients[0].returncode == -9, "the client did not take half a dump for a whole one"
