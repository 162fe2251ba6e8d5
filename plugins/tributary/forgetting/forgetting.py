"""Taking a person's rows out of every layer, from the staging database to the kept versions.

Everything may be repeated and gone on with: the request is on record first, so that imports leave the rows out and
nothing is published meanwhile; what is found by other rows goes before them; counts are written before or with what
they count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tributary import naming, versions
from tributary.contracts import Subject
from tributary.forgetting import in_ops, records, requests
from tributary.forgetting import versions as kept
from tributary.forgetting.areas import (
    Area,
    Days,
    area_of_database,
    area_of_many,
    children_first,
    collect_links,
)
from tributary.forgetting.requests import Request
from tributary.forgetting.staging import by_table, counted, take_out
from tributary.forgetting.tables import Links
from tributary.ledger.store import OpsStore, execute
from tributary.registry import Database
from tributary.sqlfiles import render_sql
from tributary.staging import read_marker

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# By layer, dataset and table: the person's rows by the day of their dump.
Found = dict[tuple[str, str, str], Days]


@dataclass(frozen=True)
class Line:
    """A table of the receipt: the rows that were taken out of it, and those that were found in it afterwards."""

    layer: str
    dataset: str
    table: str
    removed: int
    remaining: int


@dataclass(frozen=True)
class Receipt:
    """What came of a request.

    :param blind: columns by which rows should be told and cannot: nobody has looked into those tables.
    :param under_way: an import that has not ended, and days whose marts a run is building, or was when it failed. They
        cannot land with what they may have read before; the next import leaves the rows out.
    """

    request: Request
    lines: tuple[Line, ...]
    blind: tuple[str, ...]
    under_way: tuple[str, ...]

    @property
    def removed(self) -> int:
        return sum(line.removed for line in self.lines)

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)


@dataclass(frozen=True)
class Pool:
    """Datasets whose rows belong together, and the keys of the person's rows in them."""

    areas: tuple[Area, ...]
    links: Links


class Forgetting:
    """One request about one database.

    :param builder: a client that may write what dbt builds, `<db>` and `consolidated__audit`.
    :param mysql: a MySqlHook on the database's Cloud SQL instance.
    """

    def __init__(self, store: OpsStore, builder: Client, mysql: Any, database: Database, request: Request) -> None:
        self.store = store
        self.builder = builder
        self.mysql = mysql
        self.database = database
        self.request = request

    def found(self) -> Found:
        """Where the person's rows are now; nothing is changed."""
        return _counts(self._pools())

    def run(self) -> Receipt:
        """Take them out of every table, and look again; what was removed and what is left is on record, too.

        The request is open, and nothing is published, from its first statement to its last one; where rows are left,
        until a repeated one finds none.
        """
        requests.record(self.store, self.request, requests.REQUESTED)
        for version in versions.kept(self.store.client):
            kept.finish_thawing(self.store.client, version.dataset)
        lines = {("staging", self._staging, table): rows for table, rows in self._take_out_of_staging().items()}
        of_database, *of_versions, shown = pools = self._pools()
        # First, while the rows are there whose keys it is about.
        lines |= in_ops.clean(self.store, self.request, self.database.contract, [pool.links for pool in pools])
        before = _counts(pools)
        self._clean_database(of_database, before)
        for pool in of_versions:
            self._clean(pool, before)
        self._republish(before)
        # Readers' tables had theirs replaced at once; this is for those that no version has.
        self._clean(shown, _counts([shown]))
        lines |= {place: sum(days.values()) for place, days in before.items()}
        again = self._pools_again(pools)
        left = {place: sum(days.values()) for place, days in _counts(again).items()}
        receipt = Receipt(
            self.request,
            tuple(Line(*place, lines.get(place, 0), left.get(place, 0)) for place in lines | left),
            blind=tuple(column for pool in again for area in pool.areas for column in area.blind),
            under_way=tuple(self._under_way()),
        )
        self._record(receipt)
        if not receipt.remaining:
            requests.record(self.store, self.request, requests.DONE)
        return receipt

    def _under_way(self) -> Iterator[str]:
        marker = read_marker(self.mysql, self._staging)
        if marker and not marker.whole:
            yield f"the import of {marker.run_id}"
        for row in self.store.query("ops/transforming", database=self.request.database):
            yield f"{row['dump_date']} ({row['run_id']})"

    @cached_property
    def _subject(self) -> Subject:
        return self.database.contract.subjects[self.request.subject]

    @property
    def _staging(self) -> str:
        return naming.staging_database(self.database.name)

    def _take_out_of_staging(self) -> dict[str, int]:
        """Of an import that is under way, the rows go at its end."""
        marker = read_marker(self.mysql, self._staging)
        if marker is None or not marker.whole:
            return {}
        before = by_table(_of(counted(self.mysql, self._staging), self.request))
        after = by_table(_of(take_out(self.mysql, self._staging, self.database.contract, [self.request]), self.request))
        return {table: rows - before.get(table, 0) for table, rows in after.items()}

    def _pools(self) -> list[Pool]:
        """That of the database first, then each dataset of all databases, `consolidated` last."""
        client, name, contract = self.store.client, self.database.name, self.database.contract
        own: tuple[Area, ...] = (
            area_of_database(
                client, "raw", naming.raw_dataset(name), contract, self._subject, f"'{self._day_of_raw()}'"
            ),
            area_of_database(client, "quarantine", naming.quarantine_dataset(name), contract, self._subject),
            area_of_database(self.builder, "marts", naming.dataset(name), contract, self._subject),
        )
        shared = [("audit", naming.CONSOLIDATED_AUDIT, self.builder)]
        shared += [("version", version.dataset, client) for version in versions.kept(client)]
        shared += [("consolidated", naming.CONSOLIDATED, client)]
        groups = [
            (area_of_many(through, layer, dataset, name, contract, self._subject),)
            for layer, dataset, through in shared
        ]
        of_database = collect_links(own, contract, self.request.key)
        return [
            Pool(own, of_database),
            *(Pool(group, collect_links(group, contract, self.request.key, of_database)) for group in groups),
        ]

    def _day_of_raw(self) -> str:
        """Of which day's dump raw is; while it is loaded, of none."""
        from google.api_core.exceptions import NotFound

        sql = render_sql("raw/load", dataset=naming.raw_dataset(self.database.name), table=naming.LOAD_MARKER)
        try:
            loads = list(execute(self.store.client, sql))
        except NotFound:
            loads = []
        return loads[0]["dump_date"].isoformat() if loads else "none"

    def _clean_database(self, pool: Pool, before: Found) -> None:
        _, quarantine, marts = pool.areas
        days: dict[str, set[str]] = {}
        for (layer, _, table), of_table in before.items():
            if layer in (quarantine.layer, marts.layer):
                days.setdefault(table, set()).update(day for day in of_table if day)
        records.record_what_will_be_left(
            self.store, self.database.contract, self.request, pool.links, marts, quarantine, days
        )
        self._clean(pool, before)

    def _clean(self, pool: Pool, before: Found) -> None:
        for area, target in children_first(pool.areas):
            if not before[area.layer, area.dataset, target.table]:
                continue
            if area.kinds[target.table] == "SNAPSHOT":
                kept.thaw(area.client, area.dataset, target.table)
            area.remove(target, pool.links)

    def _republish(self, before: Found) -> None:
        """Have every version and record say what rows there are, and readers see the live version as it is now."""
        client, seen = self.store.client, versions.published(self.store)
        whole = [version for version in versions.kept(client) if version.content]
        for version in whole:
            # Also in one that is not published yet.
            kept.recount_database(client, version, self.database.name, self.database.contract.mart_names)
        ids = {version.id for version in whole}
        shown = any(days for (layer, _, _), days in before.items() if layer == "consolidated")
        for publication in seen:
            if publication.version in ids:
                live = publication is seen[0]
                now = kept.recount(self.store, publication, live=live)
                if live and (now != publication or shown):
                    kept.republish(self.store, now, self.request)

    def _pools_again(self, pools: list[Pool]) -> list[Pool]:
        """What there is by now, to be looked into by the keys that were known before, too."""
        earlier = {pool.areas[0].dataset: pool.links for pool in pools}
        again = self._pools()
        for pool in again:
            if (dataset := pool.areas[0].dataset) in earlier:
                pool.links.merge(earlier[dataset])
        return again

    def _record(self, receipt: Receipt) -> None:
        self.store.append_all(
            "forget_receipts",
            [
                {
                    "request_id": self.request.id,
                    "database": self.request.database,
                    "layer": line.layer,
                    "dataset": line.dataset,
                    "table_name": line.table,
                    "removed": line.removed,
                    "remaining": line.remaining,
                }
                for line in receipt.lines
            ],
        )


def _counts(pools: Iterable[Pool]) -> Found:
    return {
        (area.layer, area.dataset, table): days
        for pool in pools
        for area in pool.areas
        for table, days in area.count(pool.links).items()
    }


def _of(counts: dict[tuple[str, str], int], request: Request) -> dict[tuple[str, str], int]:
    return {place: rows for place, rows in counts.items() if place[0] == request.id}
