"""What a run of `consolidate` publishes: decided once, by its first task, and kept to by the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from tributary import editions, versions
from tributary.dates import parse_day
from tributary.editions import Holding
from tributary.errors import PlanOutdatedError
from tributary.ledger.audited import Contents
from tributary.ledger.store import OpsStore, Row
from tributary.versions import Base


@dataclass(frozen=True)
class Plan:
    """The day, and by database that has landed any dump: `as_of`, the day of the one that is taken; the record of its
    landing in `ops.runs`; and its edition (`tributary.editions`).

    `changed` has the day of those that are built anew; the rows of the others are in the version `base`.
    `definitions` say what the tables of each app are (`editions.definitions`).
    """

    day: str
    as_of: Mapping[str, str]
    landed: Mapping[str, Mapping[str, Any]]
    editions: Mapping[str, str]
    changed: Mapping[str, str]
    base: str | None
    definitions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def made(
        cls,
        day: str,
        landed: Mapping[str, Row],
        apps: Mapping[str, Iterable[str]],
        definitions: Mapping[str, str],
        base: Holding | None,
        counted: Set[str] = frozenset(),
    ) -> Plan:
        """The plan for what has landed (`OpsStore.landed`), where readers have the version `base`, or all is made anew.

        :param counted: the databases of which the ledger knows the published rows of these landings: a try that was
            killed may have published what it could not count any more.
        """
        of_landed = editions.editions(landed, apps, definitions)
        as_of = {database: landed[database]["dump_date"].isoformat() for database in of_landed}
        return cls(
            day=day,
            as_of=as_of,
            landed={
                database: {
                    **landed[database],
                    "dump_date": as_of[database],
                    "landed_at": landed[database]["landed_at"].isoformat(),
                }
                for database in of_landed
            },
            editions=of_landed,
            changed={
                database: as_of[database]
                for database, edition in of_landed.items()
                if base is None or database not in counted or base.edition(database) != edition
            },
            base=base.version if base else None,
            definitions=dict(definitions),
        )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Plan:
        """From the XCom of `await_databases`; one of before there were editions builds everything."""
        return cls(**{"editions": {}, "changed": document["as_of"], "base": None, **document})

    @property
    def staying(self) -> Set[str]:
        """The databases that are not built anew."""
        return self.as_of.keys() - self.changed.keys()

    def refuse_landed_again(self, store: OpsStore) -> None:
        """Raises PlanOutdatedError where the plan has another landing of a database than is to be published by now.

        That is any other, of a database that is built anew: its audited rows are those of the marts before. To be asked
        after they are known not to change any more. Of one whose rows stay it is one of the same day, or one that
        readers have already; a later day that lands meanwhile is for the next run.
        """
        landed = store.landed(parse_day(self.day))
        other = {
            name
            for name in self.as_of
            if name not in landed or editions.landing(landed[name]) != editions.landing(self.landed[name])
        }
        again = other & self.changed.keys()
        if staying := other - again:
            live = editions.held_by_readers(store)
            again |= {
                name
                for name in staying
                if name not in landed
                or landed[name]["dump_date"].isoformat() == self.as_of[name]
                or (live and live.edition(name) != self.editions[name])
            }
        if again:
            raise PlanOutdatedError(f"{', '.join(sorted(again))} landed anew since await_databases has looked")

    def refuse_redefined(self, apps: Mapping[str, Iterable[str]], definitions: Mapping[str, str]) -> None:
        """Raises PlanOutdatedError where databases have left since, or the consolidated tables are others by now.

        Rows would then be removed that nobody wanted removed, or one table be made by two versions of its model.
        """
        if gone := sorted(self.as_of.keys() - {name for names in apps.values() for name in names}):
            raise PlanOutdatedError(f"{', '.join(gone)}: no longer in the registry, or not usable there")
        if other := sorted(app for app, was in self.definitions.items() if definitions.get(app) != was):
            raise PlanOutdatedError(
                f"the consolidated models of {', '.join(other)} are others than when await_databases planned"
            )

    def older(self, store: OpsStore, run_id: str) -> Holding | None:
        """What the version has that the rows of the others are in; None where all are built anew.

        Raises PlanOutdatedError where there are others, and no version has their rows any more.
        """
        if self.base is None:
            return None
        older = editions.held_by(store.client, self.base)
        published = versions.published(store)
        if older is None and published and published[0].run_id == run_id:
            # A try that was killed has published, and removed it as one too many.
            older = editions.held_by(store.client, published[0].version)
        if older is None and not self.staying:
            return None
        if older is None or any(older.edition(database) != self.editions[database] for database in self.staying):
            raise PlanOutdatedError(
                f"version {self.base} of consolidated, which has the rows of the databases that are not built anew, "
                "is no longer kept"
            )
        return older

    def base_of(
        self, apps: Mapping[str, Iterable[str]], tables: Mapping[str, Iterable[str]], older: Holding | None
    ) -> Base | None:
        """The tables that take rows over from the older version: those of apps that keep any database as it is."""
        if older is None:
            return None
        return Base(
            older.version,
            tables=frozenset(table for app in apps if self.staying & {*apps[app]} for table in tables[app]),
            replaced=tuple(sorted({*older.databases, *self.changed} - self.staying)),
        )

    def databases(
        self, apps: Mapping[str, Iterable[str]], contents: Contents, older: Holding | None
    ) -> list[dict[str, Any]]:
        """The rows of `consolidated.databases`; `contents` of those that were built anew."""

        def rows(database: str) -> int:
            if older and database in self.staying:
                return int(older.databases[database]["row_count"])
            return sum(found.rows for found in contents.get(database, {}).values())

        return [
            {
                "database": database,
                "app": app,
                "as_of": self.as_of.get(database),
                "dump_uri": self.landed.get(database, {}).get("dump_uri"),
                "row_count": rows(database),
                "stale": self.as_of.get(database) != self.day,
                "edition": self.editions.get(database),
            }
            for app, names in apps.items()
            for database in names
        ]
