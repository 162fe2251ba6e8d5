"""The command `tributary forget`, about several databases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tributary.forgetting import cli, requests
from tributary.forgetting.requests import Request
from tributary.terminal import Format


def test_every_request_is_on_record_before_the_first_rows_go(monkeypatch: pytest.MonkeyPatch):
    recorded: list[tuple[str, str]] = []

    def run() -> None:
        assert recorded == [("shop_eu", requests.REQUESTED), ("shop_us", requests.REQUESTED)]
        raise ConnectionError

    def asked(database: Any, subject: str, key: str, *, by: str, why: str) -> Request:
        return Request("retail", subject, database.name, key, by, why)

    shops = [SimpleNamespace(name="shop_eu"), SimpleNamespace(name="shop_us")]
    monkeypatch.setattr(cli, "store_for_people", lambda: None)
    monkeypatch.setattr(cli, "databases_of", lambda *_: shops)
    monkeypatch.setattr(cli, "request_about", asked)
    monkeypatch.setattr(cli, "_forgetting", lambda _, __, request: SimpleNamespace(request=request, run=run))
    monkeypatch.setattr(requests, "on_record", lambda *_: [])
    monkeypatch.setattr(requests, "record", lambda _, request, event: recorded.append((request.database, event)))
    with pytest.raises(ConnectionError):
        cli._forget("retail", "customer", "7", [], "a ticket", "ann", yes=True, output=Format.table)
    assert len(recorded) == 2
