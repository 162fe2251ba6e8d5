"""Which fields of requests and answers are secret, and how they are written where people may look."""

from __future__ import annotations

import re

CONFIGURATION = frozenset(
    {"password", "credentials_json", "hmac_key_access_id", "hmac_key_secret", "client_key",
     "client_key_password", "ssh_key", "tunnel_user_password"}
)  # fmt: skip
"""Names of fields of a connector's configuration that Airbyte's API never shows."""

MASK = "**********"

_NAMES = "|".join(sorted(CONFIGURATION | {"access_token", "client_secret", "id_token", "refresh_token"}))
_FIELD = re.compile(rb'("(?:%b)"\s*:\s*")(?:[^"\\]|\\.)*"' % _NAMES.encode())


def without_secrets(json: bytes) -> bytes:
    """The text of a JSON document with `MASK` for the text of each secret field, whatever else it holds."""
    return _FIELD.sub(rb'\g<1>%b"' % MASK.encode(), json)
