"""Single sign-on with any OpenID Connect provider, from environment variables. Pure.

Airflow's login (Flask-AppBuilder) has a case of its own for a few providers. Here is one way for all: what the
signed id_token says, and nothing else. An account's name is the verified address, so that no provider can make up
somebody called `admin`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tributary.errors import TributaryError

# Part of the address that the provider sends people back to: <Airflow>/auth/oauth-authorized/sso
PROVIDER = "sso"
# What everybody has who may sign in.
EVERYBODY = "Viewer"
ROLES = (EVERYBODY, "Op", "Admin")
SECRET_FILE = "/run/secrets/sso_client_secret"  # noqa: S105 - where it is, not what

log = logging.getLogger(__name__)


class SsoError(TributaryError):
    """A variable of single sign-on is missing or malformed; the message says which, and what was expected."""


@dataclass(frozen=True)
class SingleSignOn:
    """How people sign in with the company's own accounts.

    :param issuer: the provider's address, as in its tokens.
    :param domains: only addresses in one of these may sign in.
    :param roles: by group or address, the roles beyond `Viewer`.
    :param trusts_address: take the address of a provider that does not say whether it is verified.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: frozenset[str]
    roles: Mapping[str, list[str]]
    groups_claim: str = "groups"
    scopes: str = "openid email profile"
    trusts_address: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """As TRIBUTARY_SSO_* say; None where there is no issuer. Raises SsoError."""
        issuer = environ.get("TRIBUTARY_SSO_ISSUER", "").rstrip("/")
        if not issuer:
            return None
        if urlsplit(issuer).scheme != "https":
            raise SsoError(
                f"TRIBUTARY_SSO_ISSUER: found {issuer!r}, expected an address such as https://id.example.com"
            )
        domains = frozenset(
            _required(environ, "DOMAINS", "who may sign in: example.com,example.org").lower().split(",")
        )
        if any(not domain.strip() or "@" in domain for domain in domains):
            raise SsoError(f"TRIBUTARY_SSO_DOMAINS: found {sorted(domains)}, expected domains: example.com,example.org")
        return cls(
            issuer=issuer,
            client_id=_required(environ, "CLIENT_ID", "the id that the provider gave to this Airflow"),
            client_secret=_secret(Path(environ.get("TRIBUTARY_SSO_CLIENT_SECRET_FILE") or SECRET_FILE)),
            domains=frozenset(domain.strip() for domain in domains),
            roles=_roles(environ.get("TRIBUTARY_SSO_ROLES", "")),
            groups_claim=environ.get("TRIBUTARY_SSO_GROUPS_CLAIM") or cls.groups_claim,
            scopes=environ.get("TRIBUTARY_SSO_SCOPES") or cls.scopes,
            trusts_address=environ.get("TRIBUTARY_SSO_TRUST_ADDRESS", "").lower() == "true",
        )

    def provider(self) -> dict[str, Any]:
        """Flask-AppBuilder's entry for the provider."""
        return {
            "name": PROVIDER,
            "icon": "fa-key",
            "token_key": "access_token",
            "remote_app": {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "server_metadata_url": f"{self.issuer}/.well-known/openid-configuration",
                # A code that somebody intercepts is of no use to them.
                "client_kwargs": {"scope": self.scopes, "code_challenge_method": "S256"},
            },
        }

    def user(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Flask-AppBuilder's user of a verified id_token; empty, and so refused, for who may not sign in."""
        address = str(claims.get("email") or "").lower()
        name, _, domain = address.rpartition("@")
        if not name or domain not in self.domains:
            log.warning(
                "Sign-on refused: %s is in none of TRIBUTARY_SSO_DOMAINS", address or "a token without an email"
            )
            return {}
        verified = claims.get("email_verified")
        if not (verified is True or (verified is None and self.trusts_address)):
            log.warning("Sign-on refused: the provider does not say that %s is verified", address)
            return {}
        groups = claims.get(self.groups_claim) or ()
        return {
            "username": address,
            "email": address,
            "first_name": str(claims.get("given_name") or claims.get("name") or name),
            "last_name": str(claims.get("family_name") or ""),
            "role_keys": [address, *map(str, [groups] if isinstance(groups, str) else groups)],
        }


def _required(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(f"TRIBUTARY_SSO_{name}", "").strip()
    if not value:
        raise SsoError(f"TRIBUTARY_SSO_{name} is not set, but TRIBUTARY_SSO_ISSUER is; expected {what}")
    return value


def _secret(path: Path) -> str:
    try:
        found = path.read_text().strip()
    except OSError as error:
        raise SsoError(
            f"the client's secret cannot be read: {error}; TRIBUTARY_SSO_CLIENT_SECRET_FILE says where"
        ) from None
    if not found:
        raise SsoError(f"{path} is empty; expected the secret that the provider gave to this Airflow")
    return found


def _roles(text: str) -> dict[str, list[str]]:
    """Roles by group or address, the addresses in lower case. Raises SsoError."""
    expected = 'expected JSON such as {"data-on-call": ["Op"], "jane@example.com": ["Admin"]}'
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise SsoError(f"TRIBUTARY_SSO_ROLES: {error}; {expected}") from None
    if not isinstance(found, dict):
        raise SsoError(f"TRIBUTARY_SSO_ROLES: {expected}")
    for key, roles in found.items():
        if not isinstance(roles, list) or not roles or any(role not in ROLES for role in roles):
            raise SsoError(f"TRIBUTARY_SSO_ROLES: {key!r} has {roles!r}, expected a list of {', '.join(ROLES)}")
    return {key.lower() if "@" in key else key: list(roles) for key, roles in found.items()}
