"""A TCP proxy between a client and a service of the local cloud that cuts connections, or is slow."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import socketserver
import struct
import threading
import time
from types import TracebackType

# With a linger of 0 s, closing a socket sends a reset: the peer sees "Connection reset by peer".
_RESET = struct.pack("ii", 1, 0)
_CHUNK = 16_384


class BadNetwork:
    """Forwards `port` to `target`; as a context manager, from its begin to its end.

    The first `cuts` connections are reset, each after a number of bytes that `chance` draws from 0 to
    `cut_within` (both directions count). Every chunk of at most 16 KiB waits `delay` seconds.

    The answer to the first request that holds the bytes `loses` does not arrive: the request reaches the
    service, and the connection is reset, or closed where `resets` is false, when the answer comes. `lost` counts.
    """

    def __init__(
        self,
        target: int,
        *,
        cuts: int = 0,
        cut_within: int = 2_000,
        delay: float = 0.0,
        chance: random.Random | None = None,
        loses: bytes = b"",
        resets: bool = True,
    ) -> None:
        self.target = target
        self.cuts = cuts
        self.cut_within = cut_within
        self.delay = delay
        self.loses = loses
        self.resets = resets
        self.done = 0
        self.lost = 0
        self._chance = chance or random.Random(0)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.network = self
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> BadNetwork:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fate(self) -> int | None:
        """After how many bytes a new connection is cut; None for one that lives."""
        with self._lock:
            if self.done >= self.cuts:
                return None
            self.done += 1
            return self._chance.randrange(self.cut_within)

    def loses_answer(self) -> bool:
        """Whether this answer is the one to lose."""
        with self._lock:
            self.lost += 1
            return self.lost == 1


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    network: BadNetwork


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        network = self.server.network
        left = network.fate()
        to_lose = False
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", network.target)) as service,
            selectors.DefaultSelector() as selector,
        ):
            other = {self.request: service, service: self.request}
            for one in other:
                selector.register(one, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(_CHUNK)
                    if not data:
                        return
                    time.sleep(network.delay)
                    if to_lose and source is service:
                        to_lose = False
                        if network.loses_answer():
                            if network.resets:
                                self._reset(self.request, service)
                            return
                    to_lose |= bool(network.loses) and source is self.request and network.loses in data
                    if left is not None and len(data) >= left:
                        other[source].sendall(data[:left])
                        self._reset(self.request, service)
                        return
                    other[source].sendall(data)
                    left = None if left is None else left - len(data)

    def _reset(self, *sockets: socket.socket) -> None:
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            one.close()
