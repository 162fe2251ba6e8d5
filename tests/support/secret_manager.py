"""Google's Secret Manager as far as a deployment asks it: `AccessSecretVersion`, over REST and over gRPC.

The Airflow provider's client speaks gRPC to secretmanager.googleapis.com, and no setting of it says otherwise. But gRPC
takes a proxy and authorities from the environment: so the client stays as it is, and its way leads here, with TLS.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.certificates import self_signed

HOST = "secretmanager.googleapis.com"
PROJECT = "tributary-test"
TOKEN = "the machine's token"


@dataclass
class Secrets:
    """Values by secret id, and everything that was asked."""

    values: dict[str, str] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    failures: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def access(self, name: str) -> tuple[str, str]:
        """(status, value) of `projects/P/secrets/S/versions/latest`."""
        self.asked.append(name)
        project, secret, version = name.split("/")[1::2]
        assert (project, version) == (PROJECT, "latest")
        if secret in self.forbidden:
            return "PERMISSION_DENIED", ""
        if secret in self.disabled:
            return "FAILED_PRECONDITION", ""
        return ("OK", self.values[secret]) if secret in self.values else ("NOT_FOUND", "")


@contextmanager
def rest(secrets: Secrets) -> Iterator[str]:
    """The REST API and a metadata server; gives host and port."""
    codes = {"OK": 200, "NOT_FOUND": 404, "PERMISSION_DENIED": 403, "FAILED_PRECONDITION": 400}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/computeMetadata/v1/"):
                assert self.headers["Metadata-Flavor"] == "Google"
                text = PROJECT if self.path.endswith("project-id") else json.dumps({"access_token": TOKEN})
                return self._answer(200, text)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return self._error(401, "UNAUTHENTICATED")
            if secrets.failures:
                return self._error(secrets.failures.pop(0), "UNAVAILABLE")
            name, _, verb = self.path.removeprefix("/v1/").partition(":")
            assert verb == "access"
            status, value = secrets.access(name)
            if status != "OK":
                return self._error(codes[status], status)
            data = base64.b64encode(value.encode()).decode()
            return self._answer(200, json.dumps({"name": name, "payload": {"data": data}}))

        def _error(self, code: int, status: str) -> None:
            self._answer(code, json.dumps({"error": {"code": code, "status": status, "message": "no"}}))

        def _answer(self, code: int, text: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with _served(Handler) as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def grpc_behind_proxy(secrets: Secrets, folder: Path) -> Iterator[dict[str, str]]:
    """The gRPC API; gives the environment variables that lead a client to it."""
    import grpc
    from google.cloud.secretmanager_v1.types import AccessSecretVersionRequest, AccessSecretVersionResponse

    def access(request: AccessSecretVersionRequest, context: grpc.ServicerContext) -> AccessSecretVersionResponse:
        if not dict(context.invocation_metadata()).get("authorization", "").startswith("Bearer "):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "expected the machine's token")
        status, value = secrets.access(request.name)
        if status != "OK":
            context.abort(grpc.StatusCode[status], status)
        return AccessSecretVersionResponse(name=request.name, payload={"data": value.encode()})

    method = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": method}),))
    key, certificate = self_signed(HOST)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    authorities = folder / "authorities.pem"
    authorities.write_bytes(certificate)
    try:
        with _proxy(port) as proxy:
            yield {"grpc_proxy": f"http://127.0.0.1:{proxy}", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(authorities)}
    finally:
        server.stop(None)


@contextmanager
def _proxy(port: int) -> Iterator[int]:
    """An HTTP proxy that leads to the local port whoever wants to speak to Secret Manager, and nobody else."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.path != f"{HOST}:443":
                return self.send_error(403)
            with socket.create_connection(("127.0.0.1", port)) as target:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: target, target: self.connection}
                while True:
                    for end in select.select(list(ends), [], [])[0]:
                        data = end.recv(65536)
                        if not data:
                            return None
                        ends[end].sendall(data)

        def log_message(self, *_: Any) -> None:
            pass

    with _served(Handler) as proxy:
        yield proxy


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
