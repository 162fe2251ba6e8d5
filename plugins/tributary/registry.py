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
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from tributary.alerts.finding import Severity
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.reading import read_policy
from tributary.dumps.column_types import column_type
from tributary.dumps.words import words_of
from tributary.durations import Duration
from tributary.errors import RegistryError
from tributary.strict_yaml import parse_yaml, read_yaml, show, text_of, validated

INCLUDE = Path(__file__).resolve().parents[2] / "include"

# A BigQuery dataset name (letters, digits, underscores) which is also a MySQL name without quotes.
DATABASE_NAME = r"^[a-z][a-z0-9_]{0,61}$"
RESERVED_DATABASES = frozenset({"consolidated", "consolidated__audit", "ops", "mysql", "sys"})
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"

# What the names of columns of the warehouse may not begin with, in lower case: BigQuery's, the loader's and our own.
# https://cloud.google.com/bigquery/docs/schemas#column_names
RESERVED_COLUMNS = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_change_", "_airbyte_",
    "_dump_date", "_database",
)  # fmt: skip
# Folders of include/dbt/models that are no app's.
RESERVED_APPS = frozenset({"consolidated", "generated", "sources"})

Name = Annotated[str, StringConstraints(pattern=DATABASE_NAME)]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Guards(_Model):
    """How far a table's rows may be from those in the last landed dump. What is not said is taken from above."""

    shrink: float = Field(0.5, ge=0, le=1, description="Smallest share of the rows that must be left; 0: none need be.")
    growth: float = Field(20.0, ge=1, description="Greatest multiple of the rows that there may be.")
    small: int = Field(
        1000, ge=0, description="Tables that had fewer rows may shrink and grow as they like; they may not lose all."
    )

    def changed_by(self, other: Guards | None) -> Guards:
        """These, with what the other one says itself."""
        return self.model_copy(update=other.model_dump(exclude_unset=True)) if other else self


class QuarantineLimit(_Model):
    """How much of a table may be set aside when its rows break rules."""

    max_share: float = Field(
        0, ge=0, le=1, description="Bad rows of a table by its rows in the dump, such as 0.01; 0 sets nothing aside."
    )


class Limits(_Model):
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


class Column(_Model):
    """One column of a production table."""

    type: str = Field(description="MySQL type as in the DDL, lower case, such as `decimal(10,2)`.")
    description: str = ""
    nullable: bool = False
    personal: bool = Field(False, description="Personal data: the column is never copied out of MySQL.")

    @field_validator("type")
    @classmethod
    def _is_a_type(cls, text: str) -> str:
        column_type(words_of(text))
        return text


class Table(_Model):
    """One production table."""

    description: str = ""
    primary_key: tuple[Identifier, ...] = Field(
        (), description="The columns that name a row; only apps without models of their own have tables with none."
    )
    columns: dict[Identifier, Column] = Field(min_length=1)
    guards: Guards | None = None
    quarantine: QuarantineLimit | None = Field(None, description="Stands in place of the database's.")

    @property
    def selected_columns(self) -> tuple[str, ...]:
        """The columns that are copied to BigQuery: all but the personal ones."""
        return tuple(name for name, column in self.columns.items() if not column.personal)


class Mart(_Model):
    """A mart beyond the ones that mirror a production table."""

    description: str


class Models(StrEnum):
    """Where an app's dbt models come from."""

    OWN = "own"
    GENERATED = "generated"
    NONE = "none"


class Contract(_Model):
    """The schema that all databases of one app share."""

    app: Name
    description: str = ""
    models: Models = Field(
        Models.OWN,
        description="`own`: people write the app's dbt models, and it is consolidated; `generated`: they are made from "
        "this contract, one for each table, in the database's dataset alone; `none`: stop after the raw layer.",
    )
    completion_line: bool = Field(
        True, description="Whether dumps end with mysqldump's `-- Dump completed`; hand-written ones do not."
    )
    own_database_statements: bool = Field(
        False, description="Whether dumps may create, drop and USE their own database; it is then left out."
    )
    drop_definers: bool = Field(
        False, description="Whether to leave out the DEFINER of views, triggers, routines and events in the dumps."
    )
    collation: str | None = Field(
        None,
        pattern=r"^utf8mb4_\w+$",
        description="Stands in place of `utf8mb4_0900_ai_ci`, for a staging server that lacks it.",
    )
    source_name: str | None = Field(
        None, description="The database's name inside the dumps, where it differs from the registry's."
    )
    tables: dict[Identifier, Table] = Field(min_length=1)
    marts: dict[Name, Mart] = Field(default_factory=dict)

    @property
    def raw_only(self) -> bool:
        """Whether its databases have no more than their raw layer."""
        return self.models is Models.NONE

    @property
    def is_consolidated(self) -> bool:
        """Whether the rows of its databases go to `consolidated`."""
        return self.models is Models.OWN

    @property
    def mart_names(self) -> tuple[str, ...]:
        """Every table that is built of a database: one per production table, then the further marts."""
        return () if self.raw_only else (*self.tables, *self.marts)


class Defaults(_Model):
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


class Consolidation(_Model):
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


class Ops(_Model):
    """How long the dataset `ops` remembers."""

    keep: Duration = Field(
        timedelta(days=400),
        ge=timedelta(days=30),
        description="How long rows of `ops` are kept, 30d at least; what later runs need stays longer.",
    )


class _Entry(_Model):
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


class RegistryFile(_Model):
    """`databases.yaml` as a whole; editors complete it from this model's JSON Schema."""

    defaults: Defaults = Field(default_factory=Defaults)
    consolidation: Consolidation = Field(default_factory=Consolidation)
    alerts: AlertPolicy = Field(default_factory=AlertPolicy)
    ops: Ops = Field(default_factory=Ops)
    databases: dict[Name, _Entry]


class Database(_Model):
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


class BrokenDatabase(_Model):
    """A database whose entry or contract cannot be used, and why."""

    name: str
    error: str


class Registry(_Model):
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


def load_contract(path: Path) -> Contract:
    """Read one contract. Raises RegistryError for anything that is not of the expected form."""
    document = read_yaml(path).data
    if "raw_only" in document:
        raise RegistryError(f"{show(path)}: raw_only: expected `models: none` in its place, or `models: generated`")
    contract = validated(Contract, document, path, at="")
    if contract.app != path.stem:
        raise RegistryError(f"{show(path)}: app: found {contract.app!r}, expected the file's name, {path.stem!r}")
    for name, table in contract.tables.items():
        if not table.primary_key and contract.is_consolidated:
            raise RegistryError(
                f"{show(path)}: tables.{name}.primary_key: found none, expected the columns that name a row; "
                "only an app without models of its own may do without"
            )
        for key in table.primary_key:
            if key not in table.selected_columns:
                raise RegistryError(
                    f"{show(path)}: tables.{name}.primary_key: found {key!r}, "
                    f"expected columns of the table that are not personal: {', '.join(table.selected_columns)}"
                )
    if contract.app in RESERVED_APPS:
        raise RegistryError(
            f"{show(path)}: app: found {contract.app!r}, which is a folder of dbt's models; expected another"
        )
    for name, table in contract.tables.items():
        if not table.selected_columns:
            raise RegistryError(
                f"{show(path)}: tables.{name}.columns: found personal ones alone, expected one that is copied; "
                "take the table out"
            )
        reserved = [column for column in table.selected_columns if column.lower().startswith(RESERVED_COLUMNS)]
        if reserved and contract.models is Models.GENERATED:
            raise RegistryError(
                f"{show(path)}: tables.{name}.columns: found {reserved[0]!r}, expected no name that begins with one of "
                f"{', '.join(RESERVED_COLUMNS)}; take the column out"
            )
    if contract.marts and not contract.is_consolidated:
        raise RegistryError(f"{show(path)}: marts: found some, expected none where `models` is {contract.models}")
    clash = sorted(set(contract.tables) & set(contract.marts))
    if clash:
        raise RegistryError(f"{show(path)}: marts: found {clash[0]!r}, expected a name that no table has")
    return contract


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
