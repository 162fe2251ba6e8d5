"""What is to be published, compared with the marts that it was built from."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tributary import naming
from tributary.errors import StageMismatchError
from tributary.ledger.checksums import Content, bigquery_columns, bigquery_query_by, content
from tributary.ledger.compare import check_same_content
from tributary.ledger.reading import table_columns
from tributary.ledger.store import execute
from tributary.sqlfiles import read_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

log = logging.getLogger(__name__)


Contents = dict[str, dict[str, Content]]


def audited_contents(
    client: Client, apps: Mapping[str, Iterable[str]], tables: Mapping[str, Iterable[str]], as_of: Mapping[str, str]
) -> Contents:
    """What `consolidated__audit` holds by database and table; a database of the plan has every table of its app.

    Raises StageMismatchError where there are rows of a database that is not part of the plan.
    """
    types = table_columns(client, naming.CONSOLIDATED_AUDIT)
    columns = {
        table: bigquery_columns(types.get(table, {}), without=[naming.DATABASE_COLUMN])
        for app in apps
        for table in tables[app]
    }
    contents: Contents = {
        database: {table: content(columns[table], 0, 0, 0) for table in tables[app]}
        for app, names in apps.items()
        for database in names
        if database in as_of
    }
    query = bigquery_query_by(naming.DATABASE_COLUMN, naming.CONSOLIDATED_AUDIT, columns)
    for database, table, rows, *sums in execute(client, query):
        if database not in contents:
            raise StageMismatchError(
                f"{naming.CONSOLIDATED_AUDIT}.{table} has rows of {database!r}, which is not part of this run. "
                "Clear transform and what follows."
            )
        contents[database][table] = content(columns[table], rows, *sums)
    return contents


def check_against_marts(client: Client, contents: Contents, as_of: Mapping[str, str]) -> None:
    """Raise StageMismatchError unless each database has its marts' rows, and their content where it can be compared.

    What the ledger still knows of tables that a contract no longer has is left aside.
    """
    expected: Contents = {database: {} for database in contents}
    wanted = json.dumps([{"database": database, "dump_date": day} for database, day in as_of.items()])
    for row in execute(client, read_sql("ops/mart_counts"), wanted=wanted):
        if row["table_name"] in contents.get(row["database"], ()):
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
