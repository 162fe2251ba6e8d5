"""The metadata server of a Compute Engine machine: ``python -m localcloud.metadata``.

Gives google-auth what it asks a real machine for, so that every Google client finds "application default
credentials" without a key file: ``GCE_METADATA_HOST`` and ``GCE_METADATA_IP`` point at this server. The
tokens open nothing outside the local services, which do not look into them.

As the original, every answer carries ``Metadata-Flavor: Google`` and a request without that header is refused
with 403, except the ping on ``/``.

Environment: ``LOCALCLOUD_METADATA_PORT``, ``GOOGLE_CLOUD_PROJECT``.
https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from localcloud import recording
from localcloud.serve import serve
from localcloud.settings import number, text

FLAVOR = {"Metadata-Flavor": "Google"}
TOKEN_SECONDS = 3600
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
PREFIX = "/computeMetadata/v1"


def create_app(project: str) -> FastAPI:
    """The server's routes, for a machine of *project*."""
    app = FastAPI(openapi_url=None)
    # As on GKE without a linked service account. With an e-mail address Google's library would ask
    # iamcredentials.googleapis.com for the account's allowed locations, in every process.
    account = f"{project}.svc.id.goog"

    @app.middleware("http")
    async def require_flavor(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path != "/" and request.headers.get("Metadata-Flavor") != "Google":
            return PlainTextResponse("Missing Metadata-Flavor:Google header.", 403, headers=FLAVOR)
        response = await call_next(request)
        response.headers.update(FLAVOR)
        return response

    def known(name: str) -> str:
        if name not in ("default", account):
            raise HTTPException(404, f"service account {name!r}: expected 'default' or {account!r}")
        return account

    @app.get("/")
    async def ping() -> PlainTextResponse:
        return PlainTextResponse("computeMetadata/\n")

    @app.get(f"{PREFIX}/project/project-id")
    async def project_id() -> PlainTextResponse:
        return PlainTextResponse(project)

    @app.get(f"{PREFIX}/project/numeric-project-id")
    async def project_number() -> PlainTextResponse:
        return PlainTextResponse("1234")

    @app.get(f"{PREFIX}/universe/universe-domain")
    @app.get(f"{PREFIX}/universe/universe_domain")
    async def universe_domain() -> PlainTextResponse:
        return PlainTextResponse("googleapis.com")

    @app.get(f"{PREFIX}/instance/zone")
    async def zone() -> PlainTextResponse:
        return PlainTextResponse("projects/1234/zones/europe-west1-b")

    @app.get(f"{PREFIX}/instance/service-accounts/")
    async def accounts() -> PlainTextResponse:
        return PlainTextResponse(f"default/\n{account}/\n")

    @app.get(f"{PREFIX}/instance/service-accounts/{{name}}/")
    async def one_account(name: str, recursive: bool = False) -> Response:
        email = known(name)
        if not recursive:
            return PlainTextResponse("aliases\nemail\nidentity\nscopes\ntoken\n")
        return JSONResponse({"aliases": ["default"], "email": email, "scopes": list(SCOPES)})

    @app.get(f"{PREFIX}/instance/service-accounts/{{name}}/email")
    async def email(name: str) -> PlainTextResponse:
        return PlainTextResponse(known(name))

    @app.get(f"{PREFIX}/instance/service-accounts/{{name}}/scopes")
    async def scopes(name: str) -> PlainTextResponse:
        known(name)
        return PlainTextResponse("\n".join(SCOPES) + "\n")

    @app.get(f"{PREFIX}/instance/service-accounts/{{name}}/token")
    async def token(name: str) -> dict[str, Any]:
        known(name)
        value = f"ya29.local-{secrets.token_urlsafe(24)}"
        return {"access_token": value, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}

    recording.install(app, "metadata")
    return app


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    serve(create_app(text("GOOGLE_CLOUD_PROJECT")), number("LOCALCLOUD_METADATA_PORT"))


if __name__ == "__main__":
    main()
