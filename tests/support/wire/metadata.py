"""The metadata server of Google's machines. No discovery document has it: this is its manual.

https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys and, for the universe, google-auth's own
``compute_engine._metadata``, which asks it of every machine.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from localcloud.discovery import Mismatch
from localcloud.recording import Exchange
from tests.support.wire.found import Found, unchecked

_ROOT = "/computeMetadata/v1/"
_KEYS = re.compile(
    r"project/(project-id|numeric-project-id)|universe/universe[-_]domain|instance/(id|zone|name|hostname)"
    r"|instance/service-accounts/([^/]+/(email|scopes|aliases|token|identity)?)?"
)
_PARAMETERS = {
    "recursive", "alt", "wait_for_change", "last_etag", "timeout_sec", "scopes", "audience", "format", "licenses"
}  # fmt: skip


def find(exchange: Exchange) -> Found:
    """The key that is asked for, without the account's name; raises Mismatch where the manual has none."""
    path = exchange.target.partition("?")[0]
    if exchange.method == "GET" and path == "/":
        return Found("metadata.ping", check_request, unchecked)
    if exchange.method != "GET" or not path.startswith(_ROOT) or not _KEYS.fullmatch(path.removeprefix(_ROOT)):
        raise Mismatch(f"the metadata server has no {exchange.method} {path}")
    key = re.sub(r"(service-accounts)/[^/]+/", r"\1/", path.removeprefix(_ROOT))
    return Found(f"metadata.{key}", check_request, unchecked)


def check_request(exchange: Exchange) -> None:
    """Raise Mismatch for a parameter that the manual does not have, or a body."""
    for name in parse_qs(exchange.target.partition("?")[2], keep_blank_values=True):
        if name not in _PARAMETERS:
            raise Mismatch(f"the metadata server has no parameter {name!r}")
    if exchange.size:
        raise Mismatch("the metadata server is sent no body, found one")
