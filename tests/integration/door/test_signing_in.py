"""Through the login page and back, and nothing without it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.door import PASSWORDS, Door
from tests.support.services import wait_until

PAGE = "/tributary/databases/shop_eu?day=2013-01-02"
# What everybody may ask for, and why.
OPEN = {
    ("GET", "/api/v2/version"): "load balancers and the command",
    ("GET", "/api/v2/monitor/health"): "health checks",
    ("GET", "/api/v2/auth/login"): "leads to the login",
    ("GET", "/api/v2/auth/logout"): "leads to the login",
    ("GET", "/auth/logout"): "leads to the login",
    # 422 and 400: they want a name and a password.
    ("POST", "/auth/token"): "the login of programs",
    ("POST", "/auth/token/cli"): "the login of programs",
}
# Of Flask-AppBuilder: the way in and out, and what it is drawn with.
OPEN_BELOW = tuple(f"/auth{path}" for path in ("/login", "/logout", "/static", "/appbuilder", "/lang", "/health"))


@pytest.fixture
def browser(airflow: Door) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=airflow.url, headers={"Accept": "text/html"}, timeout=60) as client:
        yield client


def tokens(answer: httpx.Response) -> list[str]:
    """The cookies with Airflow's token that the way to the answer has set."""
    cookies = [cookie for one in [*answer.history, answer] for cookie in one.headers.get_list("set-cookie")]
    return [cookie for cookie in cookies if cookie.startswith("_token=ey")]


def log_in(
    browser: httpx.Client, page: httpx.Response, user: str, password: str, follow_redirects: bool = True
) -> httpx.Response:
    """Fill in the form that the page has."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, page.text[:500]
    form = {"csrf_token": found[1], "username": user, "password": password}
    return browser.post(str(page.url), data=form, follow_redirects=follow_redirects)


def test_a_person_signs_in_and_comes_back_to_the_page(browser: httpx.Client):
    page = browser.get(PAGE, follow_redirects=True)
    assert urlsplit(str(page.url)).path == "/auth/login/"
    assert parse_qs(urlsplit(str(page.url)).query) == {"next": [PAGE]}
    arrived = log_in(browser, page, "viewer", PASSWORDS["viewer"])
    assert str(arrived.url).endswith(PAGE)
    assert "shop_eu" in arrived.text
    (cookie,) = tokens(arrived)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert browser.get("/api/v2/dags").status_code == 200
    browser.get("/api/v2/auth/logout", follow_redirects=True)
    assert browser.get(PAGE).status_code == 303


def test_behind_a_proxy_that_ends_tls_cookies_are_for_tls_alone_and_no_other_header_of_it_counts(
    browser: httpx.Client, airflow: Door
):
    # A browser names the page that the form was on; without TLS nobody asks for that.
    own = f"https://{urlsplit(airflow.url).netloc}/auth/login/"
    browser.headers.update({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example.com", "Referer": own})
    page = browser.get("/auth/login/", follow_redirects=True)
    answer = log_in(browser, page, "viewer", PASSWORDS["viewer"], follow_redirects=False)
    assert answer.status_code == 302, answer.text
    assert ["Secure" in cookie for cookie in tokens(answer)] == [True]
    assert urlsplit(answer.headers["location"]).netloc in ("", urlsplit(airflow.url).netloc)


def test_a_way_back_to_another_site_is_not_taken(browser: httpx.Client, airflow: Door):
    page = browser.get("/auth/login/?next=https://evil.example.com/", follow_redirects=True)
    answer = log_in(browser, page, "operator", PASSWORDS["operator"], follow_redirects=False)
    assert answer.status_code == 302
    assert urlsplit(answer.headers["location"]).netloc in ("", urlsplit(airflow.url).netloc)


def test_a_wrong_password_stays_outside_and_guessing_is_slowed_down(browser: httpx.Client):
    page = browser.get("/auth/login/", follow_redirects=True)
    assert "Invalid login" in log_in(browser, page, "viewer", "wrong").text
    assert browser.get(PAGE).status_code == 303
    # The limit is per address: this comes after the other tests of the form.
    answers = [log_in(browser, page, "viewer", "wrong").status_code for _ in range(7)]
    assert 429 in answers


def test_nobody_can_register_himself(browser: httpx.Client):
    for path in ("/auth/register/", "/auth/register/form", "/auth/registeruserdb/form"):
        assert browser.get(path).status_code == 404


def test_no_route_of_airflow_answers_without_a_login(airflow: Door):
    routes = airflow.routes("API")
    assert len(routes) > 150
    client = airflow.client()
    answered = {}
    for method, path in routes:
        status = client.request(method, path).status_code
        if status not in (401, 403):
            answered[method, path] = status
    assert set(answered) == set(OPEN), answered


def test_no_page_of_the_login_s_own_answers_without_one(airflow: Door):
    routes = [(method, path) for method, path in airflow.routes("PAGE") if not path.startswith(OPEN_BELOW)]
    assert len(routes) > 50
    client = airflow.client()
    answered = {}
    for method, path in routes:
        answer = client.request(method, path, follow_redirects=True)
        # Actions by a link are refused to everybody: it leads to the empty frame of Airflow's start page.
        if not (answer.url.path in ("/auth/login/", "/") or answer.status_code in (400, 401, 403, 404, 405)):
            answered[method, path] = answer.status_code
    assert answered == {}


def test_an_account_that_is_switched_off_is_out_within_the_time_that_airflow_remembers_it(airflow: Door):
    def switch(active: bool) -> None:
        with closing(sqlite3.connect(airflow.home / "airflow.db", timeout=30)) as database, database:
            database.execute("update ab_user set active = ? where username = 'viewer'", (active,))

    client = airflow.client(airflow.token("viewer"))
    assert client.get("/api/v2/dags").status_code == 200
    switch(False)
    try:
        wait_until(lambda: client.get("/api/v2/dags").status_code in (401, 403), "the token is refused")
        assert client.get("/tributary/").status_code == 401
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            airflow.token("viewer")
    finally:
        switch(True)
