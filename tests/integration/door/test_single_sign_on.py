"""Sign-on with a provider: the whole way of a browser, through Airflow's own login application."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.door import Door
from tests.support.sign_on import CLIENT_ID, CLIENT_SECRET, Provider, provider

# Airflow's login as the API server serves it, without the server: a browser of this process asks for what stands in a
# line, and says where it was sent to, which cookies it has, and what account there is then.
BROWSER = """
import json, sys
from airflow.api_fastapi.app import create_auth_manager
manager = create_auth_manager()
manager.get_fastapi_app()
app = manager.flask_app
browser = app.test_client()
for line in sys.stdin:
    url, address = json.loads(line)
    if url == "new":
        browser = app.test_client()
    answer = browser.get("/auth/login/" if url == "new" else url, base_url="https://airflow.example.com")
    with app.app_context():
        user = app.appbuilder.sm.find_user(address)
        roles = sorted(role.name for role in user.roles) if user else None
    cookies = [value.split(";")[0] for value in answer.headers.getlist("Set-Cookie") if value.startswith("_token=ey")]
    print("ANSWER", json.dumps([answer.status_code, answer.headers.get("Location"), bool(cookies), roles]), flush=True)
"""
ROLES = {"data-on-call": ["Op"], "boss@example.com": ["Admin"]}


class Browser:
    def __init__(self, process: subprocess.Popen[str], provider: Provider) -> None:
        self._process = process
        self._provider = provider
        self.codes = 0

    def ask(self, url: str, address: str = "") -> tuple[int, str | None, bool, list[str] | None]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([url, address]) + "\n")
        self._process.stdin.flush()
        line = next(line for line in self._process.stdout if line.startswith("ANSWER"))
        status, location, token, roles = json.loads(line.removeprefix("ANSWER "))
        return status, location, token, roles

    def sign_on(self, address: str, **claims: Any) -> tuple[bool, list[str] | None]:
        """Whether Airflow gave a token, and the account's roles; as the provider's user with these claims."""
        self.ask("new")
        status, location, _, _ = self.ask("/login/sso?next=/tributary/")
        assert status == 302
        asked = {name: value[0] for name, value in parse_qs(urlsplit(str(location)).query).items()}
        assert str(location).startswith(f"{self._provider.issuer}/authorize?")
        assert asked["redirect_uri"] == "https://airflow.example.com/oauth-authorized/sso"
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT_ID, "S256")
        self.codes += 1
        code = f"code{self.codes}"
        prepared = {"email": address, "email_verified": True, "nonce": asked["nonce"], "given_name": "Jo"}
        self._provider.codes[code] = prepared | {"challenge": asked["code_challenge"]} | claims
        state = claims.get("state", asked["state"])
        _, _, token, roles = self.ask(f"/oauth-authorized/sso?code={code}&state={state}", address)
        return token, roles


@pytest.fixture(scope="module")
def signing_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(airflow: Door, signing_on: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    secret = tmp_path_factory.mktemp("secret") / "sso_client_secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    environment = airflow.environment | {
        "TRIBUTARY_SSO_ISSUER": signing_on.issuer,
        "TRIBUTARY_SSO_CLIENT_ID": CLIENT_ID,
        "TRIBUTARY_SSO_CLIENT_SECRET_FILE": str(secret),
        "TRIBUTARY_SSO_DOMAINS": "example.com",
        "TRIBUTARY_SSO_ROLES": json.dumps(ROLES),
        "AIRFLOW__API__BASE_URL": "https://airflow.example.com",
        "REQUESTS_CA_BUNDLE": str(signing_on.authorities),
    }
    with subprocess.Popen(
        [sys.executable, "-c", BROWSER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Browser(process, signing_on)
        assert process.stdin
        process.stdin.close()


def test_whoever_signs_on_may_look_and_groups_give_more(browser: Browser):
    assert browser.sign_on("jane@example.com") == (True, ["Viewer"])
    assert browser.sign_on("jane@example.com", groups=["data-on-call", "others"]) == (True, ["Op", "Viewer"])
    assert browser.sign_on("jane@example.com", groups=[]) == (True, ["Viewer"]), "and gone is gone"
    assert browser.sign_on("Boss@example.com") == (True, ["Admin", "Viewer"])


@pytest.mark.parametrize(
    ("address", "claims"),
    [
        ("mallory@evil.example", {}),
        ("mallory@notexample.com", {}),
        ("unverified@example.com", {"email_verified": False}),
        ("silent@example.com", {"email_verified": None}),
        ("replayed@example.com", {"nonce": "another"}),
        ("elsewhere@example.com", {"aud": "another client"}),
        ("issuer@example.com", {"iss": "https://evil.example"}),
        ("late@example.com", {"exp": 1}),
        ("forged@example.com", {"signed_by": rsa.generate_private_key(65537, 2048)}),
        ("crossed@example.com", {"state": "of-another-browser"}),
    ],
)
def test_a_token_that_is_not_the_provider_s_word_about_this_person_makes_no_account(
    browser: Browser, address: str, claims: dict[str, Any]
):
    assert browser.sign_on(address, **claims) == (False, None)


def test_nobody_becomes_an_account_of_the_deployment(browser: Browser):
    assert browser.sign_on("admin", preferred_username="admin") == (False, ["Admin"])
    assert browser.sign_on("admin@localhost", preferred_username="admin") == (False, None)
