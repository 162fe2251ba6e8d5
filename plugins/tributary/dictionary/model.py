"""What the dictionary knows, as frozen values. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from tributary import naming


class Layer(StrEnum):
    """Which dataset a table is in; in the order in which rows go through them."""

    raw = "raw"
    staging = "staging"
    marts = "marts"
    consolidated = "consolidated"
    ops = "ops"


@dataclass(frozen=True)
class Column:
    """One column.

    :param mysql: its type in production, empty where it is none of production's.
    :param bigquery: its type in BigQuery, such as `INT64`; `BOOL or INT64` where that is the loader's choice; empty
        where none is laid down, and for a personal column, which BigQuery does not have.
    :param personal: whether it is personal and never copied.
    :param copied_as: of a personal column that is copied, how: `hashed`, `masked`, `tagged`.
    """

    name: str
    description: str = ""
    mysql: str = ""
    bigquery: str = ""
    required: bool = False
    personal: bool = False
    copied_as: str = ""


@dataclass(frozen=True)
class Check:
    """Something that is held against the table's rows, or against its SQL.

    :param words: what has to be so, as a sentence; code in it stands between backticks.
    :param stops: what a breach does: `stops the run`, `warns`.
    :param by: `Great Expectations`, `dbt`, `dbt unit test`.
    :param origin: the file that it is written in, or follows from.
    :param sql: the query that finds the rows which break it.
    """

    name: str
    words: str
    by: str
    stops: str
    origin: str = ""
    why: str = ""
    columns: tuple[str, ...] = ()
    sql: str = ""


@dataclass(frozen=True)
class Join:
    """Columns of a table that name a row of another one, as a test of dbt makes sure.

    :param on: the columns, which both have.
    :param to: the id of the other table.
    """

    on: tuple[str, ...]
    to: str


@dataclass(frozen=True)
class Table:
    """One table, documented once for all databases of its app.

    :param id: its place in the dictionary, such as `apps/retail/marts/orders`; its page has it as address.
    :param app: empty for tables that are no app's.
    :param key: the columns that name a row; `nullable_key` are those of them that may be empty.
    :param upstream: ids of the tables that it is made from.
    :param mirrors: the id of the raw table with one row for each of its rows, as of one dump.
    :param enforced: whether dbt refuses other columns and types than these.
    """

    id: str
    layer: Layer
    app: str
    name: str
    description: str = ""
    key: tuple[str, ...] = ()
    nullable_key: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    kind: str = "table"
    partitioned_by: str = ""
    clustered_by: tuple[str, ...] = ()
    enforced: bool = False
    rules: tuple[Check, ...] = ()
    tests: tuple[Check, ...] = ()
    joins: tuple[Join, ...] = ()
    upstream: tuple[str, ...] = ()
    mirrors: str = ""

    @property
    def dataset(self) -> str:
        """Its dataset, with `<database>` where each database has one: `raw__<database>`."""
        return {
            Layer.raw: naming.raw_dataset("<database>"),
            Layer.staging: naming.dataset("<database>"),
            Layer.marts: naming.dataset("<database>"),
            Layer.consolidated: naming.CONSOLIDATED,
            Layer.ops: naming.OPS,
        }[self.layer]

    @property
    def address(self) -> str:
        """As SQL names it: `consolidated.orders`."""
        return f"{self.dataset}.{self.name}"

    @property
    def copied(self) -> tuple[Column, ...]:
        """The columns that BigQuery has."""
        return tuple(column for column in self.columns if not column.personal)

    @property
    def personal(self) -> tuple[Column, ...]:
        """The columns that are never copied."""
        return tuple(column for column in self.columns if column.personal)

    @property
    def copied_otherwise(self) -> tuple[Column, ...]:
        """The personal columns that are hashed, masked or tagged."""
        return tuple(column for column in self.columns if column.copied_as)

    @property
    def has_page(self) -> bool:
        """Staging views are raw tables in fixed types: their app's page tells of them."""
        return self.layer is not Layer.staging

    @property
    def page(self) -> tuple[str, str]:
        """The page that tells of it, and the place on it."""
        return (self.id, "") if self.has_page else (app_page(self.app), "staging")

    def only_with(self, tables: Collection[str]) -> Table:
        """The table, without what it says of any but these tables."""
        return replace(
            self,
            upstream=tuple(parent for parent in self.upstream if parent in tables),
            joins=tuple(join for join in self.joins if join.to in tables),
            mirrors=self.mirrors if self.mirrors in tables else "",
        )


@dataclass(frozen=True)
class Database:
    """One production database."""

    name: str
    app: str
    owner: str
    description: str
    deadline: timedelta
    severity: str
    set_aside: float


@dataclass(frozen=True)
class App:
    """A schema that databases share.

    :param has_marts: whether its databases have a dataset beyond the raw one.
    :param problem: what could not be documented, in words; empty: everything was.
    """

    name: str
    description: str
    databases: tuple[Database, ...]
    is_consolidated: bool
    has_marts: bool
    problem: str = ""


@dataclass(frozen=True)
class Timetable:
    """When the data of a day is there.

    :param schedule: cron expression (UTC).
    :param consolidated: how long after its tick `consolidated` is to be published.
    """

    schedule: str
    consolidated: timedelta
    cut_off: timedelta
    ops_keep: timedelta


@dataclass(frozen=True)
class Dictionary:
    """All of it, apps and tables in the registry's order."""

    apps: Mapping[str, App]
    tables: Mapping[str, Table]
    timetable: Timetable
    broken: Sequence[str] = field(default=())

    @cached_property
    def downstream(self) -> Mapping[str, tuple[str, ...]]:
        """By table, those that are made from it."""
        found: dict[str, list[str]] = {}
        for table in self.tables.values():
            for parent in table.upstream:
                found.setdefault(parent, []).append(table.id)
        return {parent: tuple(children) for parent, children in found.items()}

    @cached_property
    def joined_by(self) -> Mapping[str, tuple[tuple[str, Join], ...]]:
        """By table, the joins that lead to it, with the id of the table that they come from."""
        found: dict[str, list[tuple[str, Join]]] = {}
        for table in self.tables.values():
            for join in table.joins:
                found.setdefault(join.to, []).append((table.id, join))
        return {table: tuple(joins) for table, joins in found.items()}

    @cached_property
    def by_layer(self) -> Mapping[tuple[Layer, str], tuple[Table, ...]]:
        """The tables of a layer and app, an empty one for those that are no app's."""
        found: dict[tuple[Layer, str], list[Table]] = {}
        for table in self.tables.values():
            found.setdefault((table.layer, table.app), []).append(table)
        return {where: tuple(tables) for where, tables in found.items()}

    def of(self, layer: Layer, app: str = "") -> tuple[Table, ...]:
        """The tables of one layer of an app."""
        return self.by_layer.get((layer, app), ())

    @property
    def databases(self) -> tuple[Database, ...]:
        """All of them, app by app."""
        return tuple(database for app in self.apps.values() for database in app.databases)

    def shown_to(self, databases: Collection[str], consolidated: bool) -> Dictionary:
        """What is left for somebody who may know these databases alone.

        :param consolidated: whether they may know `consolidated`, to which databases go that they may not know.
        """
        apps: dict[str, App] = {}
        for name, app in self.apps.items():
            left = tuple(database for database in app.databases if database.name in databases)
            if left or (consolidated and app.is_consolidated):
                apps[name] = replace(app, databases=left)
        shown = {
            table.id
            for table in self.tables.values()
            if table.layer is Layer.ops
            or (consolidated if table.layer is Layer.consolidated else table.app in apps and apps[table.app].databases)
        }
        tables = {name: table.only_with(shown) for name, table in self.tables.items() if name in shown}
        return replace(self, apps=apps, tables=tables, broken=())


def app_page(app: str) -> str:
    """The address of an app's page."""
    return f"apps/{app}"


def table_id(layer: Layer, app: str, name: str) -> str:
    """`apps/retail/marts/orders`, `consolidated/orders`, `ops/ledger`."""
    return f"{layer}/{name}" if layer in (Layer.consolidated, Layer.ops) else f"{app_page(app)}/{layer}/{name}"
