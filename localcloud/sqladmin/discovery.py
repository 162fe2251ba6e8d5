"""Checking requests and answers against Google's own description of the API."""

from __future__ import annotations

from typing import Any

from localcloud.discovery import Mismatch, document
from localcloud.sqladmin.errors import ApiError

VERSIONS = ("v1", "v1beta4")


def check_request(version: str, schema: str, payload: Any) -> None:
    """Raise ApiError 400 unless *payload* is a *schema* of API *version*."""
    try:
        document(f"sqladmin.{version}").check(schema, payload)
    except Mismatch as mismatch:
        raise ApiError(400, str(mismatch)) from None


def checked_answer(version: str, schema: str, payload: dict[str, Any]) -> dict[str, Any]:
    """*payload* itself; raises RuntimeError when this service was about to send something Google does not."""
    try:
        document(f"sqladmin.{version}").check(schema, payload)
    except Mismatch as mismatch:
        raise RuntimeError(f"answer does not follow {schema} of sqladmin {version}: {mismatch}") from None
    return payload
