"""The accounts that a deployment has from the start: made once, and their passwords follow the secrets' files.

People's accounts are no business of this: an admin makes them in Airflow, or single sign-on does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tributary.errors import TributaryError

if TYPE_CHECKING:
    from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride

SERVICE_ROLE = "Service"
# What the watch, the housekeeping, dbt's tasks and the `tributary` command ask of Airflow, and no more: no connections,
# variables, configuration, logs or users. To start a run, or have a step run again, Airflow wants the right to edit its
# DAG, too.
SERVICE_PERMISSIONS = frozenset(
    (action, resource)
    for resource, actions in {
        "DAGs": "can_read can_edit",
        "DAG Runs": "can_read can_create can_edit",
        "Task Instances": "can_read can_edit",
        "ImportError": "can_read",
        "Pools": "can_read can_create can_edit",
        # Airflow gives it to every role.
        "Website": "can_read",
    }.items()
    for action in actions.split()
)
SHORTEST_PASSWORD = 16


@dataclass(frozen=True)
class Account:
    """An account, its role, and the file with its password."""

    name: str
    role: str
    secret: str
    purpose: str


ACCOUNTS = (
    Account("admin", "Admin", "admin_password", "Administrator"),
    Account("tributary", SERVICE_ROLE, "service_password", "Service account"),
)


def ensure(secrets: Path, say: Callable[[str], None]) -> None:
    """Make roles and accounts that are missing, and bring passwords and rights to what they should be.

    :param secrets: the folder with the files.
    :param say: told a line about each change; never a password.
    Raises TributaryError before anything is changed where a file is missing or its password too short.
    """
    passwords = {account.name: _password(secrets / account.secret) for account in ACCOUNTS}
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        builder.add_permissions(update_perms=True)
        builder.sm.sync_roles()
        _ensure_service_role(builder.sm, say)
        for account in ACCOUNTS:
            _ensure_account(builder.sm, account, passwords[account.name], say)


def _ensure_service_role(manager: FabAirflowSecurityManagerOverride, say: Callable[[str], None]) -> None:
    role: Any = manager.add_role(SERVICE_ROLE)
    has = {(one.action.name, one.resource.name): one for one in role.permissions}
    for action, resource in sorted(SERVICE_PERMISSIONS - set(has)):
        manager.add_permission_to_role(role, manager.create_permission(action, resource))
        say(f"role {SERVICE_ROLE}: {action} {resource} given")
    for action, resource in sorted(set(has) - SERVICE_PERMISSIONS):
        manager.remove_permission_from_role(role, has[action, resource])
        say(f"role {SERVICE_ROLE}: {action} {resource} taken")


def _ensure_account(
    manager: FabAirflowSecurityManagerOverride, account: Account, password: str, say: Callable[[str], None]
) -> None:
    from werkzeug.security import check_password_hash

    role = manager.find_role(account.role)
    user = manager.find_user(username=account.name)
    if user is None:
        address = f"{account.name}@localhost"
        manager.add_user(account.name, account.purpose, "", address, role=role, password=password)
        say(f"account {account.name}: made, role {account.role}")
        return
    if user.roles != [role] or not user.active:
        user.roles, user.active = [role], True
        manager.update_user(user)
        say(f"account {account.name}: role {account.role} given back")
    if not check_password_hash(user.password or "", password):
        # Ends the account's sessions, too.
        manager.reset_password(user.id, password)
        say(f"account {account.name}: password changed")


def _password(path: Path) -> str:
    try:
        found = path.read_text().rstrip("\n")
    except OSError as error:
        raise TributaryError(
            f"the password cannot be read: {error}; deploy/secrets makes the files that are missing"
        ) from None
    if len(found) < SHORTEST_PASSWORD:
        raise TributaryError(
            f"{path}: found {len(found)} characters, expected a password of at least {SHORTEST_PASSWORD}"
        )
    return found
