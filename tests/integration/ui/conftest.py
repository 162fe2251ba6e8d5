"""Airflow's own API server with our plugin in it, in this process; what the pages tell comes from memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import Mount
from starlette.testclient import TestClient

from tests.unit.dead_letters.airflow_in_memory import MemoryAirflow
from tests.unit.dead_letters.letters_in_memory import MemoryClient, MemoryOps
from tests.unit.ui.facts_in_memory import NOW, MemoryWarehouse, small_registry
from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore

BASE = "http://airflow.test"


@pytest.fixture(scope="module")
def airflow_app(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[FastAPI]:
    """The application that `airflow api-server` serves, over a database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "docs").mkdir()
    (home / "docs" / "index.html").write_text("<html><head></head><body>the models</body></html>")
    variables = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "anna:admin,vera:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API__BASE_URL": BASE,
        "AIRFLOW__API__SECRET_KEY": "a secret of this test",
        "AIRFLOW__API_AUTH__JWT_SECRET": "another secret of this test, which is long enough for SHA-512 to be content",
        "AIRFLOW__COSMOS__DBT_DOCS_PROJECTS": json.dumps({"tributary": {"dir": str(home / "docs")}}),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AIRFLOW__")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield _made()
    _forget()


def _made() -> FastAPI:
    from airflow import settings

    _forget()
    from airflow.api_fastapi.app import create_app
    from airflow.models import import_all_models
    from airflow.models.base import Base

    import_all_models()
    Base.metadata.create_all(settings.engine)
    return create_app(apps="core")


def _forget() -> None:
    """Have Airflow read its configuration again: another test of this process may have another one."""
    from airflow import plugins_manager, settings
    from airflow.api_fastapi.app import purge_cached_app

    settings.configure_vars()
    settings.configure_orm()
    plugins_manager._get_plugins.cache_clear()
    plugins_manager.get_fastapi_plugins.cache_clear()
    purge_cached_app()


@pytest.fixture(scope="module")
def pages(airflow_app: FastAPI) -> FastAPI:
    """Our application, as Airflow has mounted it."""
    mounted = [route.app for route in airflow_app.routes if isinstance(route, Mount) and route.path == "/tributary"]
    assert len(mounted) == 1
    assert isinstance(mounted[0], FastAPI)
    return mounted[0]


class World:
    """What the pages look at, and who looks."""

    def __init__(self, pages: FastAPI, airflow_app: FastAPI, spool: Spool) -> None:
        from tributary.ui.facts import Facts
        from tributary.ui.rendering import environment
        from tributary.ui.sources import Sources
        from tributary.ui.views import Services

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
        pages.state.services = Services(sources, self.facts, environment())

    def _airflow_of(self, token: str) -> Any:
        self.tokens.append(token)
        return self.airflow

    def client(self, user: str | None = "anna", role: str = "ADMIN") -> TestClient:
        """A browser, signed in as somebody or as nobody."""
        client = TestClient(self._app, base_url=BASE, headers={"Accept": "text/html"}, follow_redirects=False)
        if user:
            client.cookies.set("_token", token_of(user, role))
        return client


def token_of(user: str, role: str) -> str:
    """What Airflow gives to who has signed in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role=role, teams=None))


@pytest.fixture
def world(pages: FastAPI, airflow_app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], World]:
    monkeypatch.setenv("TRIBUTARY_SPOOL_DIR", str(tmp_path / "spool"))
    return World(pages, airflow_app, Spool.from_environment())
