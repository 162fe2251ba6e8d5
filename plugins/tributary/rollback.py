"""Going back to a version of `consolidated` that was published before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tributary import naming, publishing, versions
from tributary.errors import TributaryError
from tributary.forgetting.requests import require_none_open
from tributary.ledger.reading import table_columns
from tributary.ledger.store import OpsStore
from tributary.versions import Publication

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


class NoSuchVersionError(TributaryError):
    """There is no kept version to go back to, or none of that id."""


@dataclass(frozen=True)
class Rollback:
    """What a rollback does: `target` becomes live in place of `live`.

    `emptied` are the tables of `live` that `target` does not have; `null` are columns, as `table.column`, that
    it does not have. Both are for a person to see before; what is done is decided when it is done.
    """

    live: Publication
    target: Publication
    emptied: tuple[str, ...]
    null: tuple[str, ...]


def restorable(client: Client, store: OpsStore) -> list[Publication]:
    """The versions that readers have seen and that are kept, the newest version first."""
    whole = {version.id for version in versions.kept(client) if version.content}
    found = [publication for publication in versions.published(store) if publication.version in whole]
    return sorted(found, key=lambda publication: publication.version, reverse=True)


def plan_rollback(client: Client, store: OpsStore, to: str | None) -> Rollback:
    """What going back to a version would do; without `to`, to the one that was made before the live one.

    Raises NoSuchVersionError that lists the versions there are.
    """
    seen, kept = versions.published(store), restorable(client, store)
    if not seen:
        raise NoSuchVersionError("nothing was published yet, so there is no version to go back to")
    live = seen[0]
    fitting = [one for one in kept if (one.version == to if to else one.version < live.version)]
    if not fitting:
        known = ", ".join(one.version for one in kept) or "none"
        wanted = f"version {to}" if to else f"version before the live one, {live.version}"
        raise NoSuchVersionError(f"no {wanted} is kept; there are: {known}. `tributary rollback --list` shows them")
    target = fitting[0]
    has = table_columns(client, naming.version_dataset(target.version))
    had = table_columns(client, naming.version_dataset(live.version))
    return Rollback(
        live=live,
        target=target,
        emptied=tuple(name for name in live.tables if name not in target.tables),
        null=tuple(
            f"{table}.{column}"
            for table in target.tables
            for column in had.get(table, {})
            if column not in has.get(table, {})
        ),
    )


def roll_back(store: OpsStore, location: str, rollback: Rollback, *, who: str, why: str) -> None:
    """Do it, in the transaction that publishes, and record who did and why.

    Raises OvertakenError while somebody's rows are being taken out of the kept versions.
    """
    forgotten = require_none_open(store)
    publication = replace(rollback.target, kind="rollback", published_by=who, why=why)
    publishing.make_live(store, location, publication, all_rows=True, forgotten=forgotten)
