"""What Tributary adds to Airflow itself. Every process of Airflow imports this: nothing heavy at the top."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from tributary.telemetry import listener

# Airflow may be served below a path of its own.
_BASE = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
_PAGES = f"{_BASE}/tributary"


class TributaryPlugin(AirflowPlugin):
    """The metrics' listener, the pages with their entries in the menu, and a login before dbt's documentation."""

    name = "tributary"
    listeners = [listener]
    external_views = [
        {"name": "Pipeline", "href": f"{_PAGES}/", "url_route": "tributary", "nav_top_level": True},
        {
            "name": "Dead letters",
            "href": f"{_PAGES}/dead-letters",
            "url_route": "tributary-dead-letters",
            "category": "browse",
        },
        {
            "name": "Data dictionary",
            "href": f"{_PAGES}/data/",
            "url_route": "tributary-data",
            "category": "browse",
        },
    ]

    # Only the API server asks for these two; the others are spared the imports.
    @cached_property
    def fastapi_apps(self) -> list[Any]:
        """The application with the pages."""
        from tributary.ui.app import create_app

        return [{"name": "tributary", "app": create_app(), "url_prefix": "/tributary"}]

    @cached_property
    def fastapi_root_middlewares(self) -> list[Any]:
        """Cosmos' plugin shows dbt's documentation to everybody: Airflow's login goes in front of it."""
        from tributary.ui.login import LoginRequired

        return [{"name": "tributary-login", "middleware": LoginRequired, "kwargs": {"below": ("/cosmos",)}}]
