"""The client credentials grant: tokens that this service signs and checks, also across its restarts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

from localcloud.airbyte.config import Config
from localcloud.airbyte.errors import Problem

TOKEN_SECONDS = 900


class Tokens:
    """Issues and checks bearer tokens of one application."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def issue(self, client_id: str, client_secret: str) -> dict[str, object]:
        """The answer of ``applications/token``; raises Problem 401 for other credentials."""
        known = hmac.compare_digest(client_id.encode(), self._config.client_id.encode())
        if not (known and hmac.compare_digest(client_secret.encode(), self._config.client_secret.encode())):
            raise Problem(401, message="client_id or client_secret is not valid")
        expires = str(int(time.time()) + TOKEN_SECONDS)
        token = f"{expires}.{self._signature(expires)}"
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}

    def check(self, authorization: str | None) -> None:
        """Raise Problem 401 unless *authorization* is ``Bearer`` with a token of ours, not expired."""
        scheme, _, token = (authorization or "").partition(" ")
        expires, _, signature = token.partition(".")
        if scheme.lower() != "bearer" or not expires.isdecimal():
            raise Problem(401, message="a bearer token from applications/token is required")
        if not hmac.compare_digest(signature, self._signature(expires)):
            raise Problem(401, message="the token is not valid")
        if int(expires) < time.time():
            raise Problem(401, message="the token has expired")

    def _signature(self, expires: str) -> str:
        digest = hmac.new(self._config.client_secret.encode(), expires.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
