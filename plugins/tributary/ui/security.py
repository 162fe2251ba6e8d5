"""What keeps other sites from acting in a user's name: the form token, and headers for the browser. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tributary_form"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    # For browsers that do not know frame-ancestors; Airflow itself shows the pages in a frame.
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: the browser would then send `Origin: null` with the forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class FormTokens:
    """Tokens that a form has to bring along: each is good for one user and one browser.

    The browser has the other half in a cookie. Another site knows neither, and without Airflow's key
    nobody makes one for somebody else (OWASP: signed double-submit cookie).

    :param key: a secret that all of Airflow's API servers share.
    """

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(f"tributary forms\0{key}".encode()).digest()

    def issue(self, user_id: str, browser: str) -> str:
        """The token of the user's forms."""
        return hmac.new(self._key, f"{user_id}\0{browser}".encode(), hashlib.sha256).hexdigest()

    def is_good(self, token: str, user_id: str, browser: str | None) -> bool:
        """Whether the token is the user's, from this browser."""
        return bool(browser) and hmac.compare_digest(token.encode(), self.issue(user_id, str(browser)).encode())


def new_browser() -> str:
    """What tells one browser from another."""
    return secrets.token_urlsafe(24)


def is_same_origin(headers: Mapping[str, str], *own: str) -> bool:
    """Whether a request that changes something comes from these pages, as far as the browser says so.

    :param headers: of the request, by lower-case names.
    :param own: addresses under which these pages are known.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    # The scheme is left out: behind a proxy that ends TLS this process sees another one.
    return origin is None or urlsplit(origin).netloc in {urlsplit(url).netloc for url in own if url}


class SecurityHeaders:
    """Adds HEADERS to every answer that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
