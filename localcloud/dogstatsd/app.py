"""The agent's two sides: UDP, and HTTP on the same port number."""

from __future__ import annotations

import asyncio
import html
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

from localcloud.dogstatsd.heard import Heard
from localcloud.settings import HOST

RECEIVE_BUFFER = 4 * 1024 * 1024


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
