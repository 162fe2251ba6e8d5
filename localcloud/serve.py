"""How the services of this package run their HTTP applications."""

from __future__ import annotations

from typing import Any

from localcloud.settings import HOST


def serve(app: Any, port: int) -> None:
    """Serve the ASGI application *app* on the loopback interface until SIGTERM or SIGINT."""
    import uvicorn

    uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
