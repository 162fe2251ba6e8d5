"""From `consolidated__audit` to `consolidated`: all tables in one transaction, or none.

BigQuery makes one statement atomic for one table; several tables change together only in a
multi-statement transaction, which takes DML but no DDL. So tables and columns that are missing
are made before it, and inside it each table is emptied and filled again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.errors import StageMismatchError
from tributary.ledger.checksums import Content, bigquery_columns, bigquery_query_by, content
from tributary.ledger.compare import check_same_content
from tributary.ledger.reading import table_columns
from tributary.ledger.store import ensure_dataset, execute
from tributary.sqlfiles import read_sql, render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

log = logging.getLogger(__name__)

# Whose row it is, in every table of `consolidated`.
DATABASE_COLUMN = "_database"

# The table of all databases: which day each one's rows are of.
DATABASES = "databases"

Contents = dict[str, dict[str, Content]]
Columns = dict[str, dict[str, str]]


def publish(
    client: Client,
    location: str,
    *,
    apps: Mapping[str, Iterable[str]],
    tables: Mapping[str, Iterable[str]],
    plan: Mapping[str, Any],
) -> Contents:
    """Check the audited tables against the marts, then publish them. Returns what each database has, by table.

    :param apps: the databases of each app; `tables`: the marts of each app.
    :param plan: what `await_databases` decided: `day`, `as_of` and `landed` by database.
    Raises StageMismatchError, with nothing published, where a database's rows are not its marts'.
    """
    contents = audited_contents(client, apps, tables, plan["as_of"])
    _check_against_marts(client, contents, plan["as_of"])
    _write_databases(client, apps, plan, contents)
    ensure_dataset(client, naming.CONSOLIDATED, location)
    names = [*(table for app in apps for table in tables[app]), DATABASES]
    audited = table_columns(client, naming.CONSOLIDATED_AUDIT)
    _prepare(client, names, audited, table_columns(client, naming.CONSOLIDATED))
    execute(client, transaction({name: list(audited[name]) for name in names}))
    return contents


def transaction(columns: Mapping[str, Iterable[str]]) -> str:
    """The script that replaces the rows of every table: `columns` lists each table's."""
    steps = [
        render_sql("consolidated/replace_rows", table=table, columns=", ".join(f"{name}" for name in names))
        for table, names in columns.items()
    ]
    return "\n".join(("begin transaction;", *steps, "commit transaction;"))


def missing_columns(table: str, wanted: Mapping[str, str], existing: Mapping[str, str]) -> dict[str, str]:
    """The columns to add to a published table. Raises StageMismatchError where a type has changed."""
    for name, data_type in wanted.items():
        if name in existing and existing[name] != data_type:
            raise StageMismatchError(
                f"consolidated.{table}.{name} is {existing[name]}, the new rows have {data_type}. "
                f"Nothing was published. Rename the column in its models, or drop consolidated.{table} "
                "to let the next run make it anew, then clear publish."
            )
    return {name: data_type for name, data_type in wanted.items() if name not in existing}


def audited_contents(
    client: Client, apps: Mapping[str, Iterable[str]], tables: Mapping[str, Iterable[str]], as_of: Mapping[str, str]
) -> Contents:
    """What `consolidated__audit` holds by database and table; a database of the plan has every table of its app.

    Raises StageMismatchError where there are rows of a database that is not part of the plan.
    """
    types = table_columns(client, naming.CONSOLIDATED_AUDIT)
    columns = {
        table: bigquery_columns(types.get(table, {}), without=[DATABASE_COLUMN])
        for app in apps
        for table in tables[app]
    }
    contents: Contents = {
        database: {table: content(columns[table], 0, 0, 0) for table in tables[app]}
        for app, names in apps.items()
        for database in names
        if database in as_of
    }
    query = bigquery_query_by(DATABASE_COLUMN, naming.CONSOLIDATED_AUDIT, columns)
    for database, table, rows, *sums in execute(client, query):
        if database not in contents:
            raise StageMismatchError(
                f"{naming.CONSOLIDATED_AUDIT}.{table} has rows of {database!r}, which is not part of this run. "
                "Clear transform and what follows."
            )
        contents[database][table] = content(columns[table], rows, *sums)
    return contents


def _check_against_marts(client: Client, contents: Contents, as_of: Mapping[str, str]) -> None:
    expected: Contents = {database: {} for database in contents}
    wanted = json.dumps([{"database": database, "dump_date": day} for database, day in as_of.items()])
    for row in execute(client, read_sql("ops/mart_counts"), wanted=wanted):
        expected[row["database"]][row["table_name"]] = Content(row["row_count"], row["checksum"])
    for database, found in contents.items():
        by_rows_only = check_same_content(
            expected[database],
            found,
            expected_in=f"the marts of {database}",
            found_in=naming.CONSOLIDATED_AUDIT,
            advice=(
                "Nothing was published. The marts may have been rebuilt while they were read: clear "
                "await_databases and what follows."
            ),
        )
        if by_rows_only:
            log.info("%s: compared by rows only, as the columns differ: %s", database, ", ".join(by_rows_only))


def _write_databases(
    client: Client, apps: Mapping[str, Iterable[str]], plan: Mapping[str, Any], contents: Contents
) -> None:
    rows = [
        {
            "database": database,
            "app": app,
            "as_of": plan["as_of"].get(database),
            "dump_uri": plan["landed"].get(database, {}).get("dump_uri"),
            "row_count": sum(found.rows for found in contents.get(database, {}).values()),
            "stale": plan["as_of"].get(database) != plan["day"],
        }
        for app, names in apps.items()
        for database in names
    ]
    execute(client, read_sql("consolidated/databases"), rows=json.dumps(rows))


def _prepare(client: Client, names: Iterable[str], audited: Columns, published: Columns) -> None:
    """Make the tables and columns that `consolidated` lacks."""
    for name in names:
        if name not in published:
            execute(client, render_sql("consolidated/create_table", table=name))
            continue
        for column, data_type in missing_columns(name, audited[name], published[name]).items():
            execute(client, render_sql("consolidated/add_column", table=name, column=column, type=data_type))
