"""Airflow's own API server with our plugin in it, in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.routing import Mount

from tests.support.services import ROOT

if TYPE_CHECKING:
    from tributary.ui.refreshing import Facts
    from tributary.ui.sources import Sources

BASE = "http://airflow.test"
KEY = "a secret of this test"


@contextmanager
def api_server(home: Path, base: str = BASE) -> Iterator[FastAPI]:
    """The application that `airflow api-server` serves, over a database of its own below `home`.

    It has an admin and a viewer; `token_of` signs them in.
    """
    (home / "docs").mkdir()
    (home / "docs" / "index.html").write_text("<html><head></head><body>the models</body></html>")
    variables = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "anna:admin,vera:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API__BASE_URL": base,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__API__SECRET_KEY": KEY,
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


def pages_of(app: FastAPI) -> FastAPI:
    """Our application, as Airflow has mounted it."""
    mounted = [route.app for route in app.routes if isinstance(route, Mount) and route.path == "/tributary"]
    assert len(mounted) == 1
    assert isinstance(mounted[0], FastAPI)
    return mounted[0]


def serve_from(pages: FastAPI, sources: Sources, facts: Facts) -> None:
    """Have the pages tell what other sources have."""
    from tributary.ui.rendering import environment
    from tributary.ui.views import Services

    pages.state.services.facts.stop()
    pages.state.services = Services(sources, facts, environment())


def token_of(user: str, role: str) -> str:
    """What Airflow gives to who has signed in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role=role, teams=None))
