"""Every request that a local cloud was sent, and its answer, against the APIs as they are published (docs/wire.md)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from localcloud.discovery import Mismatch
from localcloud.recording import BODY_BYTES, FULL, Exchange
from tests.support.wire import airbyte, google, metadata
from tests.support.wire.found import Found

FIND: dict[str, Callable[[Exchange], Found]] = {
    **{service: partial(google.find, service) for service in google.DOCUMENTS},
    "airbyte": airbyte.find,
    "metadata": metadata.find,
}
"""For each service of the local cloud whose API is published, what finds the method that a request calls."""


@dataclass
class Report:
    """What was found: how often each method was called, what was refused and why, and what could not be looked into.

    `refused` counts by service, side and reason, with an example of the exchange; `unread` counts JSON that was too
    long to be kept.
    """

    seen: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], Exchange] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def refuse(self, service: str, side: str, reason: str, exchange: Exchange) -> None:
        """Count one; which element of a list it was makes no difference."""
        key = service, side, re.sub(r"\.\d+(?=[.'])", ".*", reason)
        self.refused[key] += 1
        self.examples.setdefault(key, exchange)


def exchanges(directory: Path, service: str) -> Iterator[Exchange]:
    """What a service has written down, the oldest first; AssertionError where it had no room for all."""
    file = directory / f"{service}.jsonl"
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            assert line != FULL, f"{file} is full: what came later was not written down"
            yield Exchange(**json.loads(line))


def report(directory: Path) -> Report:
    """All that the services have written down below *directory*, held against what is published."""
    found = Report()
    for service in FIND:
        for exchange in exchanges(directory, service):
            look_at(service, exchange, found)
    return found


def check(directory: Path) -> None:
    """Raise AssertionError where a request or an answer that was written down is not as published, or none was."""
    found = report(directory)
    assert found.seen
    assert not found.refused, told(found)


def look_at(service: str, exchange: Exchange, found: Report) -> None:
    """Hold one exchange against what is published, and put down what comes of it."""
    try:
        name, request, answer = FIND[service](exchange)
    except Mismatch as mismatch:
        found.refuse(service, "request", mismatch.reason, exchange)
        return
    found.seen[name] += 1
    for side, one, kind, size in (
        ("request", request, exchange.type, exchange.size),
        ("answer", answer, exchange.answer_type, exchange.answer_size),
    ):
        if kind.startswith("application/json") and size > BODY_BYTES:
            found.unread[f"{name} {side}"] += 1
        try:
            one(exchange)
        except Mismatch as mismatch:
            found.refuse(service, side, f"{name}: {mismatch}", exchange)


def told(found: Report) -> str:
    """What was refused, for people."""
    lines = [f"{found.refused.total()} requests or answers are not as published:"]
    for key, count in found.refused.most_common():
        service, side, reason = key
        example = found.examples[key]
        lines += [
            "",
            f"{count} x {service}, {side}: {reason}",
            f"  {example.method} {unquote(example.target)[:300]} -> {example.status}, from {example.agent[:120]}",
        ]
    return "\n".join(lines)
