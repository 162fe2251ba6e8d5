"""Nobody sees or does anything without having signed in to Airflow."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from tests.integration.ui.conftest import World
from tests.support.airflow_app import token_of

FURTHER = ("/tributary/nothing/here", "/tributary/docs", "/tributary/openapi.json")
DOCS = ("/cosmos/tributary/dbt_docs_index.html", "/cosmos/tributary/dbt_docs", "/cosmos/tributary/manifest.json")


def every_route(pages: FastAPI) -> list[tuple[str, str]]:
    """Method and path of all that the application has, its static files too."""
    found = []
    for route in pages.routes:
        if isinstance(route, Mount):
            found += [("GET", f"/tributary{route.path}/pages.css"), ("GET", f"/tributary{route.path}/nothing")]
        else:
            path = re.sub(r"\{\w+\}", "x", route.path)  # type: ignore[attr-defined]
            found += [(method, f"/tributary{path}") for method in route.methods]  # type: ignore[attr-defined]
    return found


def test_every_route_asks_programs_for_a_login(world: World, pages: FastAPI):
    routes = every_route(pages)
    assert len(routes) > 10
    client = world.client(None)
    for method, path in [*routes, *(("GET", path) for path in (*FURTHER, *DOCS))]:
        answer = client.request(method, path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"}), (method, path)
    assert world.warehouse.asked == []


def test_people_are_sent_to_airflow_s_login_and_back(world: World):
    answer = world.client(None).get("/tributary/databases/shop_eu?day=2013-01-02")
    assert answer.status_code == 303
    login = urlsplit(answer.headers["location"])
    assert login.path == "/api/v2/auth/login"
    assert parse_qs(login.query) == {"next": ["/tributary/databases/shop_eu?day=2013-01-02"]}
    # Airflow takes the way back for a safe one.
    onward = world.client(None).get(answer.headers["location"])
    assert (onward.status_code, urlsplit(onward.headers["location"]).path) == (307, "/auth/login")


@pytest.mark.parametrize("path", ["/tributary/", "/tributary/static/pages.css", DOCS[0]])
def test_a_wrong_an_old_and_a_revoked_token_are_no_login(world: World, path: str):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    anna = SimpleAuthManagerUser(username="anna", role="ADMIN", teams=None)
    revoked, good = token_of("anna", "ADMIN"), token_of("anna", "ADMIN")
    get_auth_manager().revoke_token(revoked)
    old = get_auth_manager().generate_jwt(anna, expiration_time_in_seconds=-int(timedelta(hours=1).total_seconds()))
    for token in ("nonsense", f"{good[:-4]}AAAA", revoked, old):
        by_cookie, by_header = world.client(None), world.client(None)
        by_cookie.cookies.set("_token", token)
        by_header.headers["Authorization"] = f"Bearer {token}"
        for client in (by_cookie, by_header):
            assert client.get(path).status_code == 303
            assert client.get(path, headers={"Accept": "*/*"}).status_code == 401
    assert world.client().get(path).status_code == 200


def test_dbt_s_documentation_is_shown_to_who_has_signed_in(world: World):
    assert "the models" in world.client("vera", "VIEWER").get(DOCS[0]).text
    assert world.client("vera", "VIEWER").get("/tributary/nothing/here").status_code == 404


def test_airflow_itself_is_left_alone(world: World):
    client = world.client(None)
    assert client.get("/api/v2/version").status_code == 200
    assert client.get("/auth/login").status_code == 200
    assert client.get("/cosmosomething").status_code == 200, "Airflow's own page, which asks for the login itself"


def test_every_answer_has_the_headers_that_bind_a_browser(world: World):
    for client, path in (
        (world.client(), "/tributary/"),
        (world.client(), "/tributary/no"),
        (world.client(None), "/tributary/"),
    ):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    assert "max-age" in world.client().get("/tributary/static/pages.css").headers["cache-control"]


def test_airflow_s_menu_has_the_pages(world: World):
    plugins = world.client().get("/api/v2/plugins", headers={"Accept": "application/json"}).json()["plugins"]
    ours = next(plugin for plugin in plugins if plugin["name"] == "tributary")
    assert [view["name"] for view in ours["external_views"]] == ["Pipeline", "Dead letters", "Data dictionary"]
    for view in ours["external_views"]:
        assert world.client().get(view["href"]).status_code == 200
