"""Airflow's own API server with our plugin in it, in this process; what the pages tell comes from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.support.airflow_app import BASE, api_server, pages_of, serve_from, token_of
from tests.unit.dead_letters.airflow_in_memory import MemoryAirflow
from tests.unit.dead_letters.letters_in_memory import MemoryClient, MemoryOps
from tests.unit.ui.facts_in_memory import NOW, MemoryWarehouse, small_registry
from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore


@pytest.fixture(scope="module")
def airflow_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application that `airflow api-server` serves, over a database of its own."""
    with api_server(tmp_path_factory.mktemp("airflow")) as app:
        yield app


@pytest.fixture(scope="module")
def pages(airflow_app: FastAPI) -> Iterator[FastAPI]:
    """Our application, as Airflow has mounted it."""
    app = pages_of(airflow_app)
    yield app
    # It would go on to read services that are gone.
    app.state.services.facts.stop()


class World:
    """What the pages look at, and who looks."""

    def __init__(self, pages: FastAPI, airflow_app: FastAPI, spool: Spool) -> None:
        from tributary.ui.refreshing import Facts
        from tributary.ui.sources import Sources

        self._app = airflow_app
        self.warehouse = MemoryWarehouse()
        self.bucket = MemoryClient()
        self.ops = MemoryOps()
        self.airflow = MemoryAirflow()
        self.tokens: list[str] = []
        self.registry = small_registry(shop_eu="retail", shop_us="retail", airport_jfk="flights")
        self.letters = LetterStore(LetterBucket(self.bucket, "dumps"), spool, lambda: self.ops)  # type: ignore[arg-type]
        sources = Sources(
            self.warehouse,  # type: ignore[arg-type]
            lambda: self.letters,
            self._airflow_of,
            lambda: self.registry,
            lambda: NOW,
        )
        self.facts = Facts(sources.snapshot)
        serve_from(pages, sources, self.facts)

    def _airflow_of(self, token: str) -> Any:
        self.tokens.append(token)
        return self.airflow

    def client(self, user: str | None = "anna", role: str = "ADMIN") -> TestClient:
        """A browser, signed in as somebody or as nobody."""
        client = TestClient(self._app, base_url=BASE, headers={"Accept": "text/html"}, follow_redirects=False)
        if user:
            client.cookies.set("_token", token_of(user, role))
        return client


@pytest.fixture
def world(pages: FastAPI, airflow_app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], World]:
    monkeypatch.setenv("TRIBUTARY_SPOOL_DIR", str(tmp_path / "spool"))
    return World(pages, airflow_app, Spool.from_environment())
