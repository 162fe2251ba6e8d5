"""Taking people's rows out of a staging database, and counting them there.

The counts stand in a table beside the others, written in the transaction that removes the rows: a try that was killed
has done both or neither, and `reconcile` knows to the row what the dump had more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from tributary.contracts import Contract, Subject
from tributary.drift.conversions import integer_limits
from tributary.forgetting.requests import Request
from tributary.forgetting.subjects import depths
from tributary.staging import columns_of

TAKEN_OUT = "_tributary_forgotten"

# By request and table.
Counts = dict[tuple[str, str], int]


def take_out(mysql: Any, staging: str, contract: Contract, requests: Iterable[Request]) -> Counts:
    """Remove the rows of every request from a staging database that was imported whole; may be repeated at any time.

    `mysql` is a MySqlHook on its instance. The copy's triggers go first, which are production's and would write what
    nobody expects; foreign keys are not looked at, as rows go with those that refer to them.
    Returns the rows that were removed since the import, by request and table, with 0 for tables without any.
    """
    wanted = list(requests)
    tables = columns_of(mysql, staging)
    _drop_triggers(mysql, staging)
    mysql.run(
        f"create table if not exists `{staging}`.`{TAKEN_OUT}` (request_id varchar(40), table_name varchar(128), "
        "row_count bigint not null, primary key (request_id, table_name))"
    )
    with closing(mysql.get_conn()) as connection, closing(connection.cursor()) as cursor:
        # As one transaction: the connection commits when it is told to.
        cursor.execute(f"use `{staging}`")
        cursor.execute("set session foreign_key_checks = 0")
        cursor.execute("set session autocommit = 0")
        for name, subject in contract.subjects.items():
            ids = {request.key: request.id for request in wanted if request.subject == name}
            for table in _children_first(subject, tables) if ids else ():
                rows = _rows_of(contract, subject, staging, table)
                _take_out_of(cursor, staging, table, rows, ids)
        connection.commit()
    return counted(mysql, staging)


def counted(mysql: Any, staging: str) -> Counts:
    """What `take_out` has removed from a staging database; empty where nothing was asked for."""
    if TAKEN_OUT not in columns_of(mysql, staging):
        return {}
    found = mysql.get_records(f"select request_id, table_name, row_count from `{staging}`.`{TAKEN_OUT}`")  # noqa: S608
    return {(request, table): int(rows) for request, table, rows in found}


def by_table(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """The same by table alone."""
    total: Counter[str] = Counter()
    for (_, table), rows in counts.items():
        total[table] += rows
    return dict(total)


def _children_first(subject: Subject, tables: Mapping[str, Iterable[str]]) -> Iterator[str]:
    deep = depths(subject)
    return iter(sorted((table for table in deep if table in tables), key=lambda table: (-deep[table], table)))


def _rows_of(contract: Contract, subject: Subject, staging: str, table: str) -> tuple[str, str]:
    """A table, as `t0`, with those through which its rows are reached, and the last one's column with the key."""
    sources, alias = [f"`{staging}`.`{table}` as t0"], 0
    rule = subject.tables[table]
    while rule.through:
        key = contract.tables[rule.through].primary_key[0]
        sources.append(
            f"`{staging}`.`{rule.through}` as t{alias + 1} on t{alias}.`{rule.column}` = t{alias + 1}.`{key}`"
        )
        table, alias = rule.through, alias + 1
        rule = subject.tables[table]
    column = f"t{alias}.`{rule.column}`"
    if integer_limits(contract.tables[table].columns[rule.column].type) is None:
        # Letter by letter, as BigQuery compares: a collation would take other people's for the same.
        column = f"convert({column} using utf8mb4) collate utf8mb4_bin"
    return " join ".join(sources), column


def _take_out_of(cursor: Any, staging: str, table: str, rows: tuple[str, str], ids: Mapping[str, str]) -> None:
    source, column = rows
    keys = list(ids)
    among = f"{column} in ({', '.join(['%s'] * len(keys))})"
    cursor.execute(f"select {column}, count(*) from {source} where {among} group by 1", keys)  # noqa: S608
    found = {str(key): int(count) for key, count in cursor.fetchall()}
    cursor.executemany(
        f"insert into `{staging}`.`{TAKEN_OUT}` (request_id, table_name, row_count) values (%s, %s, %s) "  # noqa: S608
        "on duplicate key update row_count = row_count + values(row_count)",
        [(ids[key], table, found.get(key, 0)) for key in keys],
    )
    if found:
        cursor.execute(f"delete t0 from {source} where {among}", keys)


def _drop_triggers(mysql: Any, staging: str) -> None:
    for (name,) in mysql.get_records(
        "select trigger_name from information_schema.triggers where trigger_schema = %s", parameters=(staging,)
    ):
        mysql.run(f"drop trigger if exists `{staging}`.`{name.replace('`', '``')}`")
