"""Sending metrics to a DogStatsD agent: `gauge`, `increment` and `timing`.

They never raise and never wait: a metric is one UDP datagram, sent at once, and lost where nobody listens. Without
`DD_AGENT_HOST` they do nothing, and Datadog's client is not even imported. `DD_DOGSTATSD_PORT`, `DD_ENV`,
`DD_SERVICE` and `DD_VERSION` are the client's own.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from tributary.telemetry import catalogue
from tributary.telemetry.catalogue import METRICS, Kind, UnknownMetricError

__all__ = ("METRICS", "gauge", "increment", "timing")

# What a name server may cost: once a process, and then this often (s), for an agent may move.
LOOK_UP_SECONDS = 0.2
KEPT_SECONDS = 300.0
_DEFAULT_PORT = 8125

log = logging.getLogger(__name__)

# Whether a metric that is not in METRICS raises, as in tests, or is dropped with a line in the log.
strict = False


def gauge(name: str, value: float, **tags: str | None) -> None:
    """Say how much there is now. A tag that is None is left out."""
    _send(Kind.gauge, name, value, tags)


def increment(name: str, value: int = 1, **tags: str | None) -> None:
    """Say that something has happened."""
    _send(Kind.counter, name, value, tags)


def timing(name: str, seconds: float, **tags: str | None) -> None:
    """Say how long something took."""
    _send(Kind.distribution, name, seconds, tags)


def _send(kind: Kind, name: str, value: float, tags: dict[str, str | None]) -> None:
    try:
        catalogue.check(name, kind, value, tags)
    except UnknownMetricError as error:
        if strict:
            raise
        log.warning("Not sent: %s", error)
        return
    try:
        client = _client()
        if client is not None:
            send = {Kind.gauge: client.gauge, Kind.counter: client.increment, Kind.distribution: client.distribution}
            send[kind](name, value, tags=[f"{tag}:{text}" for tag, text in tags.items() if text is not None])
    except Exception:
        log.exception("The metric %s was not sent", name)


@dataclass(frozen=True)
class _Made:
    """The process's client, and what it was made for; None where the agent's name was not found."""

    target: tuple[str, str]
    until: float
    client: Any


_made: _Made | None = None


def _client() -> Any:
    """Datadog's client; None where there is no agent. A fork of the process may use it: it opens its own socket."""
    global _made
    target = (os.environ.get("DD_AGENT_HOST", ""), os.environ.get("DD_DOGSTATSD_PORT", ""))
    if not target[0]:
        return None
    now = time.monotonic()
    made = _made
    if made is None or made.target != target or now > made.until:
        made = _made = _Made(target, now + KEPT_SECONDS, _connect(*target))
    return made.client


def _connect(host: str, port: str) -> Any:
    address = _address(host)
    if address is None:
        log.warning("DD_AGENT_HOST: %s was not found within %.1f s; metrics are dropped", host, LOOK_UP_SECONDS)
        return None
    from datadog.dogstatsd.base import DogStatsd

    # It would warn of every datagram that nobody takes.
    logging.getLogger("datadog.dogstatsd").setLevel(logging.ERROR)
    return DogStatsd(
        host=address,
        port=int(port or _DEFAULT_PORT),
        namespace=catalogue.PREFIX,
        # A task's process ends at any moment: nothing waits in it, and no thread sends later.
        disable_buffering=True,
        disable_aggregation=True,
        disable_background_sender=True,
        # The client's metrics about itself.
        disable_telemetry=True,
        socket_timeout=0,
    )


def _address(host: str) -> str | None:
    """The host's address; None where it cannot be found in time. The system's resolver has no limit of its own."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    found: list[str] = []

    def look_up() -> None:
        try:
            addresses = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError:
            return
        # As the client does: an agent often listens on the older family alone.
        addresses.sort(key=lambda entry: entry[0] != socket.AF_INET)
        found.append(str(addresses[0][4][0]))

    thread = threading.Thread(target=look_up, name="dogstatsd-look-up", daemon=True)
    thread.start()
    thread.join(LOOK_UP_SECONDS)
    return found[0] if found else None
