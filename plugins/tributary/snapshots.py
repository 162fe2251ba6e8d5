"""Versions of `consolidated` that are kept for good, under a name: what a model was trained on can be read again.

A snapshot is a label on the dataset of a version (`tributary.versions`): nothing is copied, and `prune` leaves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tributary import naming, versions
from tributary.errors import TributaryError
from tributary.ledger.store import OpsStore
from tributary.versions import Publication, Version

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Dataset

_LABEL = "snapshot"
# What the value of a label may be, so that the name can be one.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Snapshot:
    """A name, the version that has it, and what was published of that; `why` says who made it and why."""

    name: str
    publication: Publication
    why: str

    @property
    def dataset(self) -> str:
        return naming.version_dataset(self.publication.version)


def create(client: Client, store: OpsStore, name: str, *, version: str | None, who: str, why: str) -> Snapshot:
    """Keep a version, the live one unless another is said, until `remove`.

    Raises TributaryError for a name that is taken or cannot be one, and a version that is gone or has a name already.
    """
    if not _NAME.fullmatch(name):
        raise TributaryError(
            f"expected a name of lower-case letters, digits, - and _, a letter first, at most 63, found {name!r}"
        )
    found = versions.kept(client)
    seen = versions.published(store)
    wanted = version or (seen[0].version if seen else None)
    known = {one.id: one for one in found if one.content and any(one.id == of.version for of in seen)}
    if wanted not in known:
        listed = ", ".join(known) or "none"
        raise TributaryError(f"no version {wanted or 'that is live'} is kept; there are: {listed}")
    for one in found:
        if one.snapshot and (one.snapshot == name or one.id == wanted):
            raise TributaryError(f"version {one.id} is the snapshot {one.snapshot!r} already")
    dataset = _dataset(client, wanted)
    dataset.labels = {**dataset.labels, _LABEL: name}
    dataset.description = f"Snapshot {name} of `consolidated`, kept until it is removed. By {who}: {why}"
    client.update_dataset(dataset, ["labels", "description"])
    # A publish may have removed the version since it was listed; then this raises.
    _dataset(client, wanted)
    return Snapshot(name, next(one for one in seen if one.version == wanted), dataset.description)


def snapshots(client: Client, store: OpsStore) -> list[Snapshot]:
    """All of them, by name."""
    seen = {publication.version: publication for publication in reversed(versions.published(store))}
    found = [one for one in versions.kept(client) if one.snapshot and one.id in seen]
    return sorted((_described(client, one, seen[one.id]) for one in found), key=lambda one: one.name)


def remove(client: Client, name: str) -> None:
    """Take the name away; the version goes with the next publish, unless it is one of the newest.

    Raises TributaryError where there is none of that name.
    """
    named = [one for one in versions.kept(client) if one.snapshot == name]
    if not named:
        raise TributaryError(f"no snapshot {name!r}; `tributary snapshot list` shows those there are")
    dataset = _dataset(client, named[0].id)
    # A label without a value is none here; the emulator cannot take one away.
    dataset.labels = {**dataset.labels, _LABEL: ""}
    dataset.description = versions.DESCRIPTION
    client.update_dataset(dataset, ["labels", "description"])


def _described(client: Client, version: Version, publication: Publication) -> Snapshot:
    description = _dataset(client, version.id).description or ""
    return Snapshot(version.snapshot or "", publication, description.partition(" By ")[2])


def _dataset(client: Client, version: str) -> Dataset:
    return client.get_dataset(f"{client.project}.{naming.version_dataset(version)}")
