"""What the services write down of requests and answers, and what they do not."""

from __future__ import annotations

import asyncio
import functools
import json
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from localcloud import recording, storage
from localcloud.recording import FULL, Body, Exchange, Record
from tests.support.services import wait_until

PARTS = (
    b'--==1==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{"name": "a"}\r\n'
    b"--==1==\r\ncontent-type: text/plain\r\n\r\n"
)


def read(path: Path, lines: int = 0) -> list[Exchange]:
    """All exchanges, once there are as many; one is written down when its answer has been sent."""
    wait_until(lambda: path.read_bytes().count(b"\n") >= lines, f"{lines} exchanges")
    return [Exchange(**json.loads(line)) for line in path.read_text().splitlines()]


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Sends a request to an application that answers what it is sent, and is recorded."""
    monkeypatch.setenv(recording.DIRECTORY, str(tmp_path / "wire"))
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def echo(path: str, request: Request) -> Any:
        return json.loads(await request.body() or b"null")

    recording.install(app, "service")

    async def once(method: str, target: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.request(method, target, **options)

    return lambda *request, **options: asyncio.run(once(*request, **options))


def test_an_exchange_is_one_line_as_it_was_on_the_wire(ask: Ask, tmp_path: Path) -> None:
    ask("POST", "/a%2Fb?q=%20x", json={"a": 1}, headers={"User-Agent": "me", "Authorization": "Bearer secret"})
    ask("GET", "/c")
    file = tmp_path / "wire" / "service.jsonl"
    first, second = read(file)
    body = ("application/json", 7, '{"a":1}')
    assert first == Exchange("POST", "/a%2Fb?q=%20x", "me", *body, 200, *body)
    assert (second.target, second.sent, second.answered) == ("/c", None, "null")
    assert "secret" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_are_masked_in_requests_and_answers(ask: Ask, tmp_path: Path) -> None:
    configuration = {"password": 'it\'s "a" secret', "port": 1}
    ask("POST", "/sources", json={"configuration": configuration, "access_token": "t0ken"})
    (one,) = read(tmp_path / "wire" / "service.jsonl")
    shown = {"configuration": {"password": "**********", "port": 1}, "access_token": "**********"}
    assert json.loads(one.sent or "") == json.loads(one.answered or "") == shown


def test_forms_and_orders_of_faults_are_not_kept(ask: Ask, tmp_path: Path) -> None:
    ask("POST", "/_faults", json={"kind": "http"})
    ask("POST", "/token", content=b"", headers={"Content-Type": "application/x-www-form-urlencoded"})
    (one,) = read(tmp_path / "wire" / "service.jsonl")
    assert (one.target, one.sent) == ("/token", None)


def test_nothing_is_kept_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(recording.DIRECTORY, raising=False)
    app = FastAPI()
    recording.install(app, "service")
    assert not app.user_middleware


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_of_an_upload_its_metadata_is_kept(monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    monkeypatch.setattr(recording, "_METADATA_BYTES", 300)
    body = Body('multipart/related; boundary="==1=="')
    sent = PARTS + b"the content\n" * 1000 + b"\r\n--==1==--"
    for start in range(0, len(sent), cut):
        body.add(sent[start : start + cut])
    assert (body.json(), body.size) == ('{"name": "a"}', len(sent))


@pytest.mark.parametrize("sent", [b"", b"\r\n", PARTS[:20], PARTS.replace(b"\r\n\r\n", b"\r\n"), b"--a\r\n\r\n{}"])
def test_an_upload_of_another_form_is_counted_only(sent: bytes) -> None:
    body = Body("multipart/related")
    body.add(sent)
    assert (body.json(), body.size) == (None, len(sent))


def test_a_body_that_is_too_long_is_counted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BODY_BYTES", 4)
    for text, kept in ((b"1234", "1234"), (b"12345", None)):
        body = Body("application/json")
        body.add(text)
        assert (body.json(), body.size) == (kept, len(text))


def test_a_full_file_says_so_once(tmp_path: Path) -> None:
    line = Exchange("GET", "/a", "", "", 0, None, 200, "", 0, None)
    record = Record(tmp_path / "a.jsonl", limit=400)
    for _ in range(5):
        record.add(line)
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    assert lines.count(FULL) == 1
    assert lines[-1] == FULL
    assert len(lines) > 1


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of a recorded Cloud Storage with the bucket ``dumps``."""
    monkeypatch.setattr(storage.emulator, "Response", storage.Answer)
    objects = storage.LockedStorage(tmp_path / "storage")
    storage.buckets.create_bucket("dumps", objects)
    handler = functools.partial(storage.RecordedHandler, Record(tmp_path / "storage.jsonl"), objects)
    server = storage.Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_no_content_of_an_object_is_kept(bucket: str, tmp_path: Path) -> None:
    content = b'{"customer": "Ada"}'
    address = f"{bucket}/upload/storage/v1/b/dumps/o?uploadType"
    parts = {"Content-Type": "multipart/related; boundary===1=="}
    httpx.post(f"{address}=multipart", content=PARTS + content + b"\r\n--==1==--", headers=parts).raise_for_status()
    metadata = {"name": "b", "contentType": "application/json"}
    session = httpx.post(f"{address}=resumable&name=b", json=metadata).headers["Location"]
    as_json = {"Content-Type": "application/json", "Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"}
    httpx.put(session, content=content, headers=as_json).raise_for_status()
    read_back = httpx.get(f"{bucket}/download/storage/v1/b/dumps/o/b?alt=media")
    assert (read_back.content, read_back.headers["Content-Type"]) == (content, "application/json")
    one, begun, put, got = read(tmp_path / "storage.jsonl", lines=4)
    assert [json.loads(it.sent or "null") for it in (one, begun, put)] == [{"name": "a"}, metadata, None]
    assert json.loads(one.answered or "")["name"] == "a"
    assert (put.size, got.answer_size, got.answered) == (len(content), len(content), None)
    assert "Ada" not in (tmp_path / "storage.jsonl").read_text()


def test_an_error_says_what_it_is(bucket: str, tmp_path: Path) -> None:
    answer = httpx.get(f"{bucket}/storage/v1/b/dumps/o/none")
    assert answer.status_code == 404
    assert answer.json()["error"]["errors"] == [{"message": "Not Found", "domain": "global", "reason": "notFound"}]
    (one,) = read(tmp_path / "storage.jsonl", lines=1)
    assert (one.status, json.loads(one.answered or "")) == (404, answer.json())
