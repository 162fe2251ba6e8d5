"""Datadog's agent, as far as DogStatsD goes: ``python -m localcloud.dogstatsd``.

Takes datagrams on UDP and shows on HTTP, on the same port number, what it has heard:

- ``GET /metrics``: JSON, one entry for each name, type and set of tags, and what could not be read;
- ``GET /``: the same as a page;
- ``DELETE /metrics``: forget it all.

The protocol is taken by the letter, so that what the real agent would drop is listed under ``malformed``. Nothing
leaves the machine. Environment: ``LOCALCLOUD_DOGSTATSD_PORT``.
https://docs.datadoghq.com/extend/dogstatsd/datagram_shell (protocol 1.0 to 1.5)
"""

from __future__ import annotations

import asyncio
import html
import math
import re
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

from localcloud.serve import serve
from localcloud.settings import HOST, number

TYPES = {"c": "count", "g": "gauge", "d": "distribution", "h": "histogram", "ms": "timer", "s": "set"}
SAMPLED = frozenset({"c", "d", "h", "ms"})
TIMESTAMPED = frozenset({"c", "g"})
MAX_SERIES = 20_000
"""More would be a mistake in some tag; they are counted and not kept."""
MAX_MALFORMED = 100
RECEIVE_BUFFER = 4 * 1024 * 1024

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}")
_TAG = re.compile(r"[^\W\d_][\w./:-]{0,199}")
_EVENT = re.compile(r"_e\{\d+,\d+\}:.")
_SERVICE_CHECK = re.compile(r"_sc\|[^|]+\|[0-3](\||$)")
_CARDINALITIES = frozenset({"none", "low", "orchestrator", "high"})


class MalformedError(ValueError):
    """A line is not of the protocol's form; says what was expected."""


@dataclass(frozen=True)
class Sample:
    """One line of a datagram. `rate` is the share of what happened that was sent."""

    name: str
    type: str
    values: tuple[str, ...]
    tags: tuple[str, ...]
    rate: float = 1.0


@dataclass
class Series:
    """What was heard under one name, type and set of tags. `count` and `sum` make up for the sample rate."""

    name: str
    type: str
    tags: tuple[str, ...]
    count: float = 0
    sum: float = 0
    min: float | None = None
    max: float | None = None
    last: float | str | None = None
    heard_at: float = 0


def parse(line: str) -> Sample:
    """Read one metric. Raises MalformedError."""
    name, colon, rest = line.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise MalformedError("expected <name>:<value>, a letter first, then letters, digits, _ and .")
    packed, *fields = rest.split("|")
    if not fields or fields[0] not in TYPES:
        raise MalformedError(f"expected a type: {', '.join(TYPES)}")
    type_ = fields[0]
    # Protocol 1.1 packs several values; a set's values may hold colons.
    values = (packed,) if type_ == "s" else tuple(packed.split(":"))
    for value in values:
        _check_value(value, type_)
    tags: tuple[str, ...] = ()
    rate = 1.0
    for text in fields[1:]:
        if text.startswith("#"):
            tags = tuple(sorted(map(_tag, text[1:].split(","))))
        elif text.startswith("@"):
            rate = _rate(text[1:], type_)
        else:
            _check_field(text, type_)
    return Sample(name, TYPES[type_], values, tags, rate)


def _check_value(value: str, type_: str) -> None:
    if type_ == "s" and value:
        return
    try:
        finite = math.isfinite(float(value))
    except ValueError:
        finite = False
    if not finite:
        raise MalformedError(f"found the value {value!r}, expected a number")


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise MalformedError(f"found the tag {text!r}, expected a letter first, then letters, digits and _ - : . /")
    return text


def _rate(text: str, type_: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0 < rate <= 1 or type_ not in SAMPLED:
        raise MalformedError(
            f"found the sample rate {text!r} of a {TYPES[type_]}, expected above 0, at most 1, no gauge"
        )
    return rate


def _check_field(text: str, type_: str) -> None:
    """Fields of protocol 1.2 to 1.5: container, timestamp, external data, cardinality."""
    if text.startswith("T") and text[1:].isdigit() and type_ in TIMESTAMPED:
        return
    if text.startswith("card:") and text[5:] in _CARDINALITIES:
        return
    if text.startswith(("c:", "e:")):
        return
    raise MalformedError(f"found the field {text!r}, expected @, #, c:, e:, card: or a count's or gauge's T")


@dataclass
class Heard:
    """All that was heard since the start, bounded."""

    datagrams: int = 0
    samples: int = 0
    events: int = 0
    service_checks: int = 0
    dropped: int = 0
    malformed: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=MAX_MALFORMED))
    series: dict[tuple[str, str, tuple[str, ...]], Series] = field(default_factory=dict)

    def datagram(self, data: bytes) -> None:
        """Take one datagram, which may hold several lines; a bad line does not spoil the others."""
        self.datagrams += 1
        for line in data.decode("utf-8", "replace").split("\n"):
            try:
                if line:
                    self._line(line)
            except MalformedError as error:
                self.malformed.append({"line": line[:500], "error": str(error)})

    def _line(self, line: str) -> None:
        if line.startswith(("_e{", "_sc|")):
            if _EVENT.match(line):
                self.events += 1
            elif _SERVICE_CHECK.match(line):
                self.service_checks += 1
            else:
                raise MalformedError("expected _e{<title length>,<text length>}:... or _sc|<name>|<status>")
            return
        self._add(parse(line))

    def _add(self, sample: Sample) -> None:
        key = (sample.name, sample.type, sample.tags)
        if key not in self.series and len(self.series) >= MAX_SERIES:
            self.dropped += 1
            return
        series = self.series.setdefault(key, Series(*key))
        for text in sample.values:
            self.samples += 1
            series.heard_at = time.time()
            series.count += 1 / sample.rate
            if sample.type == "set":
                series.last = text
                continue
            value = float(text)
            series.last = value
            series.sum += value / sample.rate
            series.min = value if series.min is None else min(series.min, value)
            series.max = value if series.max is None else max(series.max, value)

    def forget(self) -> None:
        """As at the start."""
        vars(self).update(vars(Heard()))

    def report(self) -> dict[str, Any]:
        """What `GET /metrics` answers."""
        counters = ("datagrams", "samples", "events", "service_checks", "dropped")
        ordered = sorted(self.series.values(), key=lambda series: (series.name, series.tags))
        return {
            **{name: getattr(self, name) for name in counters},
            "malformed": list(self.malformed),
            "series": [asdict(series) for series in ordered],
        }


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard.datagram(data)


def create_app(port: int) -> FastAPI:
    """The HTTP side; it listens on UDP while it runs."""
    heard = Heard()

    @asynccontextmanager
    async def listening(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        transport, _protocol = await loop.create_datagram_endpoint(lambda: _Listener(heard), local_addr=(HOST, port))
        # A burst of many tasks at once must not be lost while a request is answered.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            yield
        finally:
            transport.close()

    app = FastAPI(openapi_url=None, lifespan=listening)

    @app.get("/metrics")
    async def metrics() -> dict[str, Any]:
        return heard.report()

    @app.delete("/metrics", status_code=204)
    async def forget() -> Response:
        heard.forget()
        return Response(status_code=204)

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse("".join(_page(heard.report())))

    return app


_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2rem;color-scheme:light dark}table{border-collapse:collapse}"
    "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #8884}td.n{text-align:right}"
)


def _page(report: dict[str, Any]) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>DogStatsD</title><style>{_STYLE}</style>"
    yield f"<h1>DogStatsD, local</h1><p>{report['datagrams']} datagrams, {report['samples']} samples, "
    yield f"{len(report['malformed'])} malformed, {report['dropped']} dropped. <a href=metrics>JSON</a></p>"
    yield "<table><tr><th>metric<th>type<th>tags<th>last<th>count<th>sum</tr>"
    for series in report["series"]:
        texts = (series["name"], series["type"], ", ".join(series["tags"]))
        yield "<tr>" + "".join(f"<td>{html.escape(text)}" for text in texts)
        yield "".join(f"<td class=n>{html.escape(_shown(series[key]))}" for key in ("last", "count", "sum"))
    yield "</table>"
    for line in report["malformed"]:
        yield f"<p>{html.escape(line['error'])}: <code>{html.escape(line['line'])}</code></p>"


def _shown(value: float | str | None) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    port = number("LOCALCLOUD_DOGSTATSD_PORT")
    serve(create_app(port), port)


if __name__ == "__main__":
    main()
