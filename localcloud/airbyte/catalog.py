"""What a MySQL source holds: its streams (tables and views) with their columns and keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pymysql

SOURCE_TIMEOUT_SECONDS = 10


class SourceUnavailable(Exception):
    """The source's database cannot be read; the message holds no password."""


@dataclass(frozen=True)
class SourceColumn:
    """A column as ``information_schema.columns`` has it; *is_json* for MariaDB's JSON, a checked LONGTEXT."""

    name: str
    data_type: str
    column_type: str
    precision: int | None = None
    scale: int | None = None
    is_json: bool = False


@dataclass(frozen=True)
class SourceStream:
    """A table or view; *primary_key* in key order, empty without one."""

    name: str
    columns: tuple[SourceColumn, ...]
    primary_key: tuple[str, ...]


def connect(configuration: dict[str, Any]) -> pymysql.Connection:
    """Connect to a source-mysql configuration's database; raises SourceUnavailable."""
    try:
        return pymysql.connect(
            host=configuration["host"], port=configuration.get("port") or 3306,
            user=configuration["username"], password=configuration.get("password") or "",
            database=configuration["database"], charset="utf8mb4", connect_timeout=SOURCE_TIMEOUT_SECONDS,
            read_timeout=60, autocommit=True,
        )  # fmt: skip
    except pymysql.MySQLError as error:
        raise SourceUnavailable(f"Could not connect to the source database: {error.args[-1]}") from error


def discover(configuration: dict[str, Any]) -> dict[str, SourceStream]:
    """The source's streams by name, in name order; raises SourceUnavailable."""
    database = configuration["database"]
    columns: dict[str, list[SourceColumn]] = defaultdict(list)
    keys: dict[str, list[str]] = defaultdict(list)
    with connect(configuration) as connection, connection.cursor() as cursor:
        json_columns: set[Any] = set()
        if "mariadb" in connection.get_server_info().lower():
            cursor.execute(
                "select table_name, constraint_name from information_schema.check_constraints"
                " where constraint_schema = %s and level = 'Column' and check_clause like 'json\\_valid(%%'",
                (database,),
            )
            json_columns = set(cursor.fetchall())
        cursor.execute(
            "select table_name, column_name, data_type, column_type, numeric_precision, numeric_scale"
            " from information_schema.columns where table_schema = %s order by table_name, ordinal_position",
            (database,),
        )
        for table, name, data_type, column_type, precision, scale in cursor.fetchall():
            is_json = data_type == "json" or (table, name) in json_columns
            columns[table].append(SourceColumn(name, data_type.lower(), column_type.lower(), precision, scale, is_json))
        cursor.execute(
            "select table_name, column_name from information_schema.statistics"
            " where table_schema = %s and index_name = 'PRIMARY' order by table_name, seq_in_index",
            (database,),
        )
        for table, name in cursor.fetchall():
            keys[table].append(name)
    return {table: SourceStream(table, tuple(columns[table]), tuple(keys[table])) for table in sorted(columns)}
