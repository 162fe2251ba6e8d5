"""What `deploy/webserver_config.py` tells Airflow's login: passwords, or single sign-on where it is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride
from flask_appbuilder.const import AUTH_DB, AUTH_OAUTH

from tributary.access.sso import EVERYBODY, SingleSignOn


def settings(environ: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """Flask's configuration. Raises SsoError where TRIBUTARY_SSO_* are not complete.

    :param base_url: Airflow's address as people see it.
    """
    common: dict[str, Any] = {
        "SESSION_COOKIE_SECURE": base_url.startswith("https://"),
        "SESSION_COOKIE_HTTPONLY": True,
        # Not `Strict`: people come back from the provider by a link of another site.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_ENABLED": True,
    }
    sso = SingleSignOn.from_environment(environ)
    if sso is None:
        return common | {"AUTH_TYPE": AUTH_DB, "AUTH_USER_REGISTRATION": False}

    return common | {
        "AUTH_TYPE": AUTH_OAUTH,
        "OAUTH_PROVIDERS": [sso.provider()],
        "SECURITY_MANAGER_CLASS": _security_manager(sso),
        # Who may sign in need not be registered by hand; roles are those of the last sign-on.
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": EVERYBODY,
        "AUTH_ROLES_MAPPING": dict(sso.roles),
        "AUTH_ROLES_SYNC_AT_LOGIN": True,
    }


def _security_manager(sso: SingleSignOn) -> type[FabAirflowSecurityManagerOverride]:
    class SecurityManager(FabAirflowSecurityManagerOverride):  # type: ignore[misc]
        """Airflow's, which believes the id_token alone."""

        def get_oauth_user_info(self, provider: str, resp: Mapping[str, Any]) -> dict[str, Any]:
            # Authlib has checked its signature, issuer, audience, nonce and age.
            return sso.user(resp.get("userinfo") or {})

    return SecurityManager
