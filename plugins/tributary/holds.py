"""Publishing on hold: a person has rolled back, and the next run must not undo it."""

from __future__ import annotations

from typing import Any

from tributary.errors import PublishHeldError
from tributary.ledger.store import OpsStore


def current_hold(store: OpsStore) -> dict[str, Any] | None:
    """The hold that stands: `set_by`, `why`, `recorded_at`; None where publishing is free."""
    newest = store.query("ops/newest_hold")
    return newest[0] if newest and newest[0]["state"] == "held" else None


def hold(store: OpsStore, *, who: str, why: str) -> None:
    """Make every publish refuse until `release`."""
    store.append("holds", [{"state": "held", "set_by": who, "why": why}])


def release(store: OpsStore, *, who: str) -> None:
    """Let publishing go on."""
    store.append("holds", [{"state": "released", "set_by": who}])


def refuse_while_held(store: OpsStore) -> None:
    """Raise PublishHeldError, with who and why, while publishing is on hold."""
    if held := current_hold(store):
        raise PublishHeldError(
            f"{held['set_by']} put publishing on hold at {held['recorded_at']:%Y-%m-%d %H:%M} UTC: {held['why']}. "
            "Nothing was published. Release it with `tributary rollback --release`, then clear publish."
        )
