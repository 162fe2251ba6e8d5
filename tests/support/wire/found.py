"""What is found for a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from localcloud.recording import Exchange

Check = Callable[[Exchange], None]
"""Raises Mismatch where one side of an exchange is not as published."""


class Found(NamedTuple):
    """The published method that a request calls, by its name, and what checks request and answer."""

    name: str
    request: Check
    answer: Check


def unchecked(exchange: Exchange) -> None:
    """Where nothing is published."""
