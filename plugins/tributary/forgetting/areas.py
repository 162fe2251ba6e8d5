"""A dataset in which a person's rows may be: counting them, collecting their keys, removing them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tributary import naming
from tributary.contracts import Contract, Subject
from tributary.forgetting.tables import Links, Target, targets, without_column
from tributary.ledger.reading import table_columns
from tributary.ledger.store import execute
from tributary.sqlfiles import compose_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# A text without letters, in SQL.
QUOTES = "''"
# Rows of datasets without days have it.
NO_STATE = ""

# Rows by the day of their dump; of tables without one, under "".
Days = dict[str, int]


@dataclass(frozen=True)
class Area:
    """One dataset of a layer, through a client that may write there.

    :param tables: those that may have rows of the subject; `kinds` says TABLE or SNAPSHOT of each.
    :param only: SQL for the rows that are the database's, and the `values` that it asks for.
    :param blind: tables and columns by which rows should be told and cannot.
    """

    layer: str
    dataset: str
    client: Client
    tables: tuple[Target, ...]
    kinds: dict[str, str]
    only: str = "true"
    database: str = ""
    blind: tuple[str, ...] = ()

    def count(self, links: Links) -> dict[str, Days]:
        """The subject's rows by table and by the day of their dump, with one query; every table is in it."""
        found: dict[str, Days] = {one.table: {} for one in self.tables}
        counts = [f"({self._sql('forget/count', one, state=one.state or QUOTES)})" for one in self.tables]
        values: dict[str, str] = {}
        for one in self.tables:
            values |= self.parameters(one, links)
        for table, state, rows in execute(self.client, "\nunion all\n".join(counts), **values) if counts else ():
            found[table][state] = rows
        return found

    def collect(self, target: Target, column: str, links: Links) -> list[tuple[str, str]]:
        """The keys of the subject's rows of a table, each with the row's state."""
        sql = self._sql("forget/links", target, state=target.state or QUOTES, column=column)
        rows = execute(self.client, sql, **self.parameters(target, links))
        return [(row["state"], row["row_key"]) for row in rows]

    def lacking(self, table: str, column: str, keys: list[str]) -> set[str]:
        """Which of these keys no row of the database has in a table, or all where there is no such table."""
        if table not in self.kinds or not keys:
            return set(keys)
        sql = compose_sql(
            "forget/held", {"only": self.only}, {"dataset": self.dataset, "table": table, "column": column}
        )
        database = {"database": self.database} if self.database else {}
        return set(keys) - {row["row_key"] for row in execute(self.client, sql, keys=json.dumps(keys), **database)}

    def remove(self, target: Target, links: Links) -> None:
        """Delete the subject's rows of a table."""
        execute(self.client, self._sql("forget/delete", target), **self.parameters(target, links))

    def parameters(self, target: Target, links: Links) -> dict[str, str]:
        """What `condition` asks for."""
        return links.parameters(target) | ({"database": self.database} if self.database else {})

    def _sql(self, name: str, target: Target, state: str = "", column: str = "") -> str:
        pieces = {"condition": target.condition(self.only), **({"state": state} if state else {})}
        identifiers = {"dataset": self.dataset, "table": target.table, **({"column": column} if column else {})}
        return compose_sql(name, pieces, identifiers)


def area_of_database(
    client: Client, layer: str, dataset: str, contract: Contract, subject: Subject, state: str = ""
) -> Area:
    """A dataset of one database alone; without tables where there is none. `state`: as for `targets`."""
    kinds = _tables(client, dataset)
    columns = (
        {table: types for table, types in table_columns(client, dataset).items() if table in kinds} if kinds else {}
    )
    return Area(
        layer,
        dataset,
        client,
        tuple(targets(contract, subject, columns, state)),
        kinds,
        blind=tuple(f"{dataset}.{column}" for column in without_column(subject, columns)),
    )


def area_of_many(client: Client, layer: str, dataset: str, database: str, contract: Contract, subject: Subject) -> Area:
    """A dataset of all databases, in which the column `_database` says whose row is whose.

    What looks as if it belonged and does not say that is left alone: the same key may be another person's.
    """
    kinds = _tables(client, dataset)
    columns = (
        {table: types for table, types in table_columns(client, dataset).items() if table in kinds} if kinds else {}
    )
    telling = {table: types for table, types in columns.items() if naming.DATABASE_COLUMN in types}
    silent = targets(contract, subject, {table: columns[table] for table in columns.keys() - telling.keys()})
    blind = (*without_column(subject, telling), *(f"{one.table}.{naming.DATABASE_COLUMN}" for one in silent))
    return Area(
        layer,
        dataset,
        client,
        tuple(targets(contract, subject, {table: _without_day(types) for table, types in telling.items()})),
        kinds,
        only=f"{naming.DATABASE_COLUMN} = @database",
        database=database,
        blind=tuple(f"{dataset}.{column}" for column in blind),
    )


def collect_links(areas: Iterable[Area], contract: Contract, key: str, known: Links | None = None) -> Links:
    """The keys of the subject's rows in datasets that belong together, of tables whose key is one column.

    The nearest tables first: the others are reached through them. Keys that are `known` from the database itself count
    where a dataset has no row with them, as an order's that was set aside while its lines were not: one that it has may
    be another person's by the day that it is of.
    """
    links = Links(key)
    keys = {
        table: described.primary_key[0]
        for table, described in contract.tables.items()
        if len(described.primary_key) == 1
    }
    of_pool = list(areas)
    found = [(area, one) for area in of_pool for one in area.tables if one.known_as in keys]
    for area, one in sorted(found, key=lambda pair: pair[1].depth):
        links.add(one.known_as, area.collect(one, keys[one.known_as], links))
    for area in of_pool if known else ():
        for table in {one.through for one in area.tables if one.through}:
            if known and table in keys:
                lacking = area.lacking(table, keys[table], known.keys_of(table))
                links.add(table, ((NO_STATE, row_key) for row_key in lacking))
    return links


def children_first(areas: Iterable[Area]) -> Iterator[tuple[Area, Target]]:
    """Every table of datasets that belong together, in the order in which rows may go.

    Those by which others are found stay until these are gone everywhere: a try that was killed can be gone on with.
    """
    pairs = [(area, one) for area in areas for one in area.tables]
    yield from sorted(pairs, key=lambda pair: -pair[1].depth)


def _without_day(types: dict[str, str]) -> dict[str, str]:
    """Of a database, such a dataset has one day."""
    return {column: kind for column, kind in types.items() if column != "_dump_date"}


def _tables(client: Client, dataset: str) -> dict[str, str]:
    """By name, whether a table is one or a snapshot; views have no rows of their own."""
    from google.api_core.exceptions import NotFound

    try:
        listed = list(client.list_tables(dataset, page_size=1000))
    except NotFound:
        return {}
    return {item.table_id: item.table_type for item in listed if item.table_type in ("TABLE", "SNAPSHOT")}
