"""An OpenID Connect provider over HTTPS, as far as Airflow's login asks one: metadata, keys, and the token endpoint."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.certificates import self_signed

CLIENT_ID = "tributary"
CLIENT_SECRET = "the client's secret, made up"


@dataclass
class Provider:
    """Whoever comes with a code gets the token that was prepared for it."""

    issuer: str
    authorities: Path
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    refused: list[str] = field(default_factory=list)

    def token(self, form: dict[str, str]) -> str | None:
        """The id_token for a code that is used once, by the client, with the verifier of its challenge."""
        prepared = self.codes.pop(form.get("code", ""), None)
        challenge = (
            base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        )
        if prepared is None or challenge != prepared.pop("challenge"):
            self.refused.append(json.dumps(sorted(form)))
            return None
        key = prepared.pop("signed_by", self.key)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "1", "iat": now, "exp": now + 300, **prepared}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"})


@contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """A running provider on this machine."""
    key, certificate = self_signed("localhost")
    (folder / "provider.pem").write_bytes(key + certificate)
    (folder / "authorities.pem").write_bytes(certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                return self._answer(
                    200,
                    {
                        "issuer": found.issuer,
                        "authorization_endpoint": f"{found.issuer}/authorize",
                        "token_endpoint": f"{found.issuer}/token",
                        "jwks_uri": f"{found.issuer}/keys",
                        "id_token_signing_alg_values_supported": ["RS256"],
                    },
                )
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(found.key.public_key()))
            return self._answer(200, {"keys": [public | {"kid": "1", "use": "sig", "alg": "RS256"}]})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            token = found.token({name: value[0] for name, value in form.items()})
            if self.headers["Authorization"] != f"Basic {basic}" or token is None:
                return self._answer(400, {"error": "invalid_grant"})
            return self._answer(
                200, {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token}
            )

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "provider.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Provider(f"https://localhost:{server.server_address[1]}", folder / "authorities.pem")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
