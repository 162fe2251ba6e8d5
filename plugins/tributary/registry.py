"""The single source of truth: `databases.yaml` and `contracts/*.yaml` as frozen, typed models.

Pure: no Airflow import, no connection, nothing but two kinds of files. `load_registry` never
fails because of one bad database: that database becomes a `BrokenDatabase` which says what is
wrong with it, and the others stay. Nor does it because of `alerts`: what is wrong there is left out
and told in `faults`. Only an unreadable `databases.yaml`, or bad `defaults`, which concern every
database, raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from tributary.alerts.finding import Severity
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.reading import read_policy
from tributary.contract_files import load_contract
from tributary.contracts import DATABASE_NAME, Contract, Frozen, Guards, Name, QuarantineLimit
from tributary.durations import Duration
from tributary.errors import RegistryError
from tributary.strict_yaml import parse_yaml, show, text_of, validated

INCLUDE = Path(__file__).resolve().parents[2] / "include"

RESERVED_DATABASES = frozenset({"consolidated", "consolidated__audit", "ops", "mysql", "sys"})


class Limits(Frozen):
    """How long a step may take before people are warned. What is not said is taken from above."""

    find_dump: Duration | None = None
    preflight: Duration | None = None
    import_dump: Duration | None = timedelta(hours=2)
    sync: Duration | None = timedelta(hours=2)
    reconcile: Duration | None = None
    validate_raw: Duration | None = None
    validate_marts: Duration | None = None

    def changed_by(self, other: Limits | None) -> Limits:
        """These, with what the other one says itself."""
        return self.model_copy(update=other.model_dump(exclude_unset=True)) if other else self

    @property
    def by_step(self) -> dict[str, timedelta]:
        """The steps that have a limit."""
        return {step: limit for step, limit in self if limit is not None}


class Defaults(Frozen):
    """What holds for every database that does not say otherwise."""

    owner: str = "data-platform"
    schedule: str = Field("0 2 * * *", description="Cron expression in UTC.")
    start_date: date = date(2024, 1, 1)
    cloud_sql_instance: str = "staging"
    dump_pattern: str = Field(
        "{database}/{date}/*.sql.gz", description="Object name of a dump: `{database}`, `{date}`, `*`, `?`."
    )
    dump_wait: Duration = Field(timedelta(hours=4), description="How long a run waits for its dump.")
    guards: Guards = Field(default_factory=Guards)
    quarantine: QuarantineLimit = Field(default_factory=QuarantineLimit)
    deadline: Duration = Field(
        timedelta(hours=3), description="When a day has to have landed, counted from its tick of the schedule."
    )
    severity: Severity = Field(Severity.ticket, description="Who has to do something when a database is not well.")
    limits: Limits = Field(default_factory=Limits, description="How long single steps may take.")


class Consolidation(Frozen):
    """When and how all databases become one dataset."""

    cut_off: Duration = Field(
        timedelta(hours=6), description="How long consolidate waits for databases that have not landed."
    )
    keep_versions: int = Field(
        7, ge=1, le=100, description="How many published versions are kept for `tributary rollback`, the live one too."
    )
    deadline: Duration = Field(
        timedelta(hours=8), description="When a day has to be published, counted from its tick of the schedule."
    )
    severity: Severity = Field(Severity.page, description="Who has to do something when it is not.")


class Ops(Frozen):
    """How long the dataset `ops` remembers."""

    keep: Duration = Field(
        timedelta(days=400),
        ge=timedelta(days=30),
        description="How long rows of `ops` are kept, 30d at least; what later runs need stays longer.",
    )


class _Entry(Frozen):
    """What `databases.yaml` may say of one database."""

    app: Name
    owner: str | None = None
    cloud_sql_instance: str | None = None
    dump_pattern: str | None = None
    dump_wait: Duration | None = None
    guards: Guards | None = None
    quarantine: QuarantineLimit | None = None
    deadline: Duration | None = None
    severity: Severity | None = None
    limits: Limits | None = None
    description: str = ""


class RegistryFile(Frozen):
    """`databases.yaml` as a whole; editors complete it from this model's JSON Schema."""

    defaults: Defaults = Field(default_factory=Defaults)
    consolidation: Consolidation = Field(default_factory=Consolidation)
    alerts: AlertPolicy = Field(default_factory=AlertPolicy)
    ops: Ops = Field(default_factory=Ops)
    databases: dict[Name, _Entry]


class Database(Frozen):
    """One production database, with the defaults filled in and its contract at hand."""

    name: Name
    contract: Contract
    owner: str
    cloud_sql_instance: str
    dump_pattern: str
    dump_wait: Duration
    guards: Guards = Guards()
    quarantine: QuarantineLimit = QuarantineLimit()
    deadline: Duration = timedelta(hours=3)
    severity: Severity = Severity.ticket
    limits: Limits = Limits()
    description: str = ""

    @property
    def app(self) -> str:
        return self.contract.app

    def guards_of(self, table: str) -> Guards:
        """A table's guards: the database's, with what the contract says of the table."""
        return self.guards.changed_by(self.contract.tables[table].guards)

    def max_share(self, table: str) -> float:
        """The share of a table's rows that may be set aside: the contract's for the table, else the database's.

        None of a table without a key: what was set aside could not be named.
        """
        found = self.contract.tables[table]
        return (found.quarantine or self.quarantine).max_share if found.primary_key else 0


class BrokenDatabase(Frozen):
    """A database whose entry or contract cannot be used, and why."""

    name: str
    error: str


class Registry(Frozen):
    """All databases. Iteration order is the file's order, so everything derived is deterministic.

    `faults` say what of `alerts` is wrong and was left out.
    """

    defaults: Defaults
    consolidation: Consolidation
    ops: Ops = Ops()
    databases: dict[str, Database]
    broken: tuple[BrokenDatabase, ...] = ()
    alerts: AlertPolicy = AlertPolicy()
    faults: tuple[str, ...] = ()

    @property
    def contracts(self) -> dict[str, Contract]:
        """The contracts in use, by app."""
        return {database.app: database.contract for database in self.databases.values()}

    @property
    def apps(self) -> dict[str, list[str]]:
        """The databases of each app that is consolidated."""
        contracts = self.contracts
        return {app: names for app, names in self.built.items() if contracts[app].is_consolidated}

    @property
    def built(self) -> dict[str, list[str]]:
        """The databases of each app that has dbt models."""
        apps: dict[str, list[str]] = {}
        for database in self.databases.values():
            if not database.contract.raw_only:
                apps.setdefault(database.app, []).append(database.name)
        return apps

    @property
    def consolidated_databases(self) -> tuple[str, ...]:
        """The databases whose rows go to `consolidated`."""
        return tuple(name for name, database in self.databases.items() if database.contract.is_consolidated)

    def database(self, name: str) -> Database:
        """The database of that name; RegistryError says which ones there are."""
        try:
            return self.databases[name]
        except KeyError:
            known = ", ".join(self.databases) or "none"
            for entry in self.broken:
                if entry.name == name:
                    raise RegistryError(entry.error) from None
            raise RegistryError(f"no database {name!r} in the registry; it has: {known}") from None


def load_registry(include: Path = INCLUDE) -> Registry:
    """Read `databases.yaml` and the contracts it names below `include`.

    Raises RegistryError only for what concerns every database; see the module's docstring. Files that are as they were
    are not read again, so that tasks, whose process is forked from one that has read them, start as fast with a
    thousand databases as with ten.
    """
    path = include / "databases.yaml"
    return _registry(path, text_of(path), tuple(_stamps(include / "contracts")))


def _stamps(contracts: Path) -> Iterator[tuple[str, int, int]]:
    """By which a change of a contract is noticed: names, times, sizes."""
    for file in sorted(contracts.glob("*.yaml")):
        # An editor's lock is a link to nothing, and a file may go while they are looked at.
        with suppress(FileNotFoundError):
            found = file.stat()
            yield file.name, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _registry(path: Path, text: str, contracts: tuple[tuple[str, int, int], ...]) -> Registry:
    """From the text of `databases.yaml`, for as long as `contracts` (`_stamps`) are what they were."""
    raw = parse_yaml(text, path, duplicates_under="databases")
    document = raw.data
    unknown = sorted(set(document) - set(RegistryFile.model_fields))
    if unknown:
        known = ", ".join(RegistryFile.model_fields)
        raise RegistryError(f"{show(path)}: {unknown[0]}: unknown key, expected one of {known}")
    defaults = validated(Defaults, document.get("defaults") or {}, path, at="defaults")
    consolidation = validated(Consolidation, document.get("consolidation") or {}, path, at="consolidation")
    ops = validated(Ops, document.get("ops") or {}, path, at="ops")
    entries = document.get("databases")
    if not isinstance(entries, dict) or not entries:
        raise RegistryError(
            f"{show(path)}: databases: found {entries!r}, expected at least one entry such as "
            "`shop_eu: {app: retail}`"
        )
    databases: dict[str, Database] = {}
    broken: list[BrokenDatabase] = []
    # A thousand databases share a few contracts.
    contract_in = cache(load_contract)
    for name, entry in entries.items():
        try:
            if name in raw.duplicates:
                raise RegistryError(
                    f"{show(path)}: databases.{name}: found {raw.duplicates[name]} entries of that name, expected one"
                )
            databases[name] = _database(name, entry, defaults, path, contract_in)
        except RegistryError as error:
            broken.append(BrokenDatabase(name=str(name), error=str(error)))
    owners = {defaults.owner, *(database.owner for database in databases.values())}
    alerts, faults = read_policy(document.get("alerts"), path, owners=owners, databases=map(str, entries))
    return Registry(
        defaults=defaults,
        consolidation=consolidation,
        ops=ops,
        databases=databases,
        broken=tuple(broken),
        alerts=alerts,
        faults=faults,
    )


def _database(
    name: Any, entry: Any, defaults: Defaults, path: Path, contract_in: Callable[[Path], Contract]
) -> Database:
    at = f"databases.{name}"
    if not isinstance(name, str) or not re.match(DATABASE_NAME, name):
        raise RegistryError(
            f"{show(path)}: {at}: found the name {name!r}, expected lower-case letters, digits and "
            "underscores, a letter first, at most 62"
        )
    if name in RESERVED_DATABASES or name.startswith(("raw__", "quarantine__")):
        raise RegistryError(f"{show(path)}: {at}: the name is reserved; expected another name")
    parsed = validated(_Entry, entry, path, at=at)
    contract_path = path.parent / "contracts" / f"{parsed.app}.yaml"
    if not contract_path.is_file():
        known = ", ".join(sorted(file.stem for file in contract_path.parent.glob("*.yaml"))) or "none"
        raise RegistryError(
            f"{show(path)}: {at}.app: found {parsed.app!r}, expected an app with a file in contracts/: {known}"
        )
    merged = {
        "owner": defaults.owner,
        "cloud_sql_instance": defaults.cloud_sql_instance,
        "dump_pattern": defaults.dump_pattern,
        "dump_wait": defaults.dump_wait,
        "quarantine": defaults.quarantine,
        "deadline": defaults.deadline,
        "severity": defaults.severity,
        **parsed.model_dump(exclude_none=True, exclude={"app", "guards", "limits"}),
        "guards": defaults.guards.changed_by(parsed.guards),
        "limits": defaults.limits.changed_by(parsed.limits),
    }
    return Database(name=name, contract=contract_in(contract_path), **merged)
