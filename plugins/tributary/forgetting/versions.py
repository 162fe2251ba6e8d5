"""Kept versions of `consolidated` without a person's rows: versions they stay, for rollbacks, runs and exports.

A snapshot cannot be written to, so a copy takes its place; its rows are counted anew wherever counts of a version are
kept, as whoever builds on the version compares them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tributary import naming, publishing
from tributary.forgetting.requests import Request
from tributary.ledger.checksums import Tables, bigquery_query, contents_of
from tributary.ledger.reading import row_counts
from tributary.ledger.store import OpsStore, execute
from tributary.sqlfiles import read_sql, render_sql
from tributary.versions import DATABASES, Publication, Version, copy_table

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# Begins the names of tables that will take a snapshot's place.
_THAWED = "_tributary_thawed__"


def finish_thawing(client: Client, dataset: str) -> None:
    """Put tables in their place whose snapshots a killed try has removed already; other leftovers go."""
    there = {item.table_id for item in client.list_tables(dataset)}
    for name in sorted(table for table in there if table.startswith(_THAWED)):
        table = name.removeprefix(_THAWED)
        if table not in there:
            copy_table(client, f"{dataset}.{name}", f"{dataset}.{table}", "COPY")
        client.delete_table(f"{client.project}.{dataset}.{name}")


def thaw(client: Client, dataset: str, table: str) -> None:
    """Put a copy that can be written to in the place of a snapshot; complete before the snapshot is removed."""
    copy_table(client, f"{dataset}.{table}", f"{dataset}.{_THAWED}{table}", "RESTORE")
    client.delete_table(f"{client.project}.{dataset}.{table}")
    copy_table(client, f"{dataset}.{_THAWED}{table}", f"{dataset}.{table}", "COPY")
    client.delete_table(f"{client.project}.{dataset}.{_THAWED}{table}")


def recount_database(client: Client, version: Version, database: str, tables: Iterable[str]) -> None:
    """Say how many rows a database has in a version by now, in its table of all databases.

    :param tables: the consolidated tables of the database's app.
    """
    there = {item.table_id for item in client.list_tables(version.dataset)}
    counted: Tables = {name: () for name in tables if name in there}
    query = bigquery_query(version.dataset, counted, f"{naming.DATABASE_COLUMN} = @database")
    rows = sum(one.rows for one in contents_of(execute(client, query, database=database), counted).values())
    sql = render_sql("consolidated/recount", dataset=version.dataset, table=DATABASES)
    execute(client, sql, database=database, rows=str(rows))


def recount(store: OpsStore, publication: Publication, *, live: bool) -> Publication:
    """Say in `ops.published` how many rows a version has by now; returns what is said.

    Of the `live` version that says the transaction which takes the rows from readers (`republish`), as `consolidated`
    has them until then.
    """
    names = [name for name in publication.tables if name != DATABASES]
    found = row_counts(store.client, naming.version_dataset(publication.version), names)
    tables = {**found, DATABASES: publication.tables[DATABASES]}
    counted = replace(publication, tables=tables, row_count=sum(found.values()))
    if counted != publication and not live:
        record = {"tables": json.dumps(counted.tables), "rows": str(counted.row_count)}
        execute(store.client, read_sql("ops/published__recount"), version=publication.version, **record)
    return counted


def republish(store: OpsStore, live: Publication, request: Request) -> None:
    """Replace a database's rows in `consolidated` by those of the live version, in the transaction that publishes."""
    publication = replace(live, kind="forget", published_by=request.by, why=request.why)
    publishing.make_live(store, store.location, publication, all_rows=False, databases=(request.database,))
