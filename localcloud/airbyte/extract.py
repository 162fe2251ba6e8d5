"""Reading MySQL into Parquet files with DuckDB: a stream of constant memory, no row passes through Python.

DuckDB's ``mysql`` extension reads the result of one query per table. The query asks MySQL for text wherever
the extension's own conversion would lose something (zero dates, wide decimals, JSON, BIT), and DuckDB casts
the text; on the wire MySQL sends text anyway.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pymysql

from localcloud.airbyte.catalog import SourceUnavailable, connect
from localcloud.airbyte.types import Column, mysql_quoted

META_COLUMNS = (
    ("_airbyte_raw_id", "STRING"),
    ("_airbyte_extracted_at", "TIMESTAMP"),
    ("_airbyte_meta", "JSON"),
    ("_airbyte_generation_id", "INT64"),
)
"""The columns that Airbyte puts in front of a stream's own."""

MEMORY_LIMIT = "512MB"

# BigQuery's client holds a file to load in memory, up to 100 MB of it.
FILE_SIZE = "16MB"


@dataclass(frozen=True)
class Extract:
    """What one table gave. *nulled* counts, by column, the values that BigQuery cannot hold."""

    files: list[Path]
    rows: int
    size: int
    nulled: dict[str, int]


def literal(value: str) -> str:
    """*value* as an SQL string literal for DuckDB."""
    return "'" + value.replace("'", "''") + "'"


class Extractor:
    """One job's connection to its source, a context manager; `interrupt` may come from another thread."""

    def __init__(self, configuration: dict[str, Any], extensions: Path, job_id: int) -> None:
        self._job_id = job_id
        self._mark = f"/* airbyte job {job_id} */"
        self._configuration = configuration
        self._database = configuration["database"]
        settings: dict[str, Any] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": 2,
            "extension_directory": str(extensions),
            "autoinstall_known_extensions": False,
            "temp_directory": str(extensions / "tmp"),
        }
        self._duckdb = duckdb.connect(config=settings)
        try:
            self._attach(configuration)
        except duckdb.Error:
            self._duckdb.close()
            raise

    def __enter__(self) -> Extractor:
        return self

    def __exit__(self, *exc: object) -> None:
        self._duckdb.close()

    def interrupt(self) -> None:
        """Make the running extract raise duckdb.Error."""
        self._duckdb.interrupt()
        # DuckDB notices between two rows only, and MySQL may work long for the next one.
        with suppress(SourceUnavailable, pymysql.MySQLError):
            self._kill_query()

    def _kill_query(self) -> None:
        with connect(self._configuration) as connection, connection.cursor() as cursor:
            cursor.execute(
                "select id from information_schema.processlist where info like %s and id <> connection_id()",
                (f"select {self._mark} %",),
            )
            for row in cursor.fetchall():
                cursor.execute("kill query %s", row)

    def _attach(self, configuration: dict[str, Any]) -> None:
        with _INSTALLING:
            row = self._duckdb.execute(
                "select installed from duckdb_extensions() where extension_name = 'mysql_scanner'"
            ).fetchone()
            if not (row and row[0]):
                import duckdb_extensions

                duckdb_extensions.import_extension("mysql_scanner", con=self._duckdb)
        self._duckdb.execute("load mysql_scanner")
        self._duckdb.execute("set mysql_tinyint1_as_boolean = false")
        self._duckdb.execute("set mysql_bit1_as_boolean = false")
        self._duckdb.execute("set mysql_query_timeout_enabled = false")
        self._duckdb.execute("set mysql_session_time_zone = '+00:00'")
        self._duckdb.execute("set timezone = 'UTC'")
        self._duckdb.execute(
            "create secret source (type mysql,"
            f" host {literal(configuration['host'])}, port {int(configuration.get('port') or 3306)},"
            f" database {literal(self._database)}, user {literal(configuration['username'])},"
            f" password {literal(configuration.get('password') or '')})"
        )
        self._duckdb.execute("attach '' as source (type mysql, secret source, read_only)")

    def table(self, name: str, columns: list[Column], generation: int, condition: str, folder: Path) -> Extract:
        """Write the rows of *name* that meet the MySQL *condition* (empty: all) into Parquet files in a new *folder*.

        There is one at least. The next one is begun after the row group (122,880 rows) that reaches `FILE_SIZE`.
        """
        reads = ", ".join(f"{column.read} as {mysql_quoted(column.name)}" for column in columns)
        query = f"select {self._mark} {reads} from {mysql_quoted(self._database)}.{mysql_quoted(name)}"  # noqa: S608
        query += f" where {condition}" if condition else ""
        select = ", ".join(
            [
                "cast(uuid() as varchar) as _airbyte_raw_id",
                "now() as _airbyte_extracted_at",
                f"{self._meta(columns)} as _airbyte_meta",
                f"cast({generation} as bigint) as _airbyte_generation_id",
                *(f'{column.converted()} as "{column.target}"' for column in columns),
            ]
        )
        copied = self._duckdb.execute(
            f"copy (select {select} from mysql_query('source', {literal(query)}))"  # noqa: S608
            f" to {literal(str(folder))} (format parquet, compression zstd, file_size_bytes {literal(FILE_SIZE)})"
        ).fetchone()
        rows = int(copied[0]) if copied else 0
        files = sorted(folder.iterdir())
        return Extract(files, rows, sum(file.stat().st_size for file in files), self._nulled(columns, files))

    def _meta(self, columns: list[Column]) -> str:
        """The DuckDB expression of ``_airbyte_meta``: the sync, and the values that became NULL."""
        none = literal(f'{{"sync_id":{self._job_id},"changes":[]}}')
        lost = {
            column.name: f"({column.duckdb_name} is not null and {column.converted()} is null)"
            for column in columns
            if column.fallible
        }
        if not lost:
            return none
        changes = [
            f"case when {test} then {{'field': {literal(name)}, 'change': 'NULLED',"
            f" 'reason': 'DESTINATION_SERIALIZATION_ERROR'}} end"
            for name, test in lost.items()
        ]
        kept = f"list_filter([{', '.join(changes)}], lambda change: change is not null)"
        some = f"cast(to_json({{'sync_id': {self._job_id}, 'changes': {kept}}}) as varchar)"
        return f"case when {' or '.join(lost.values())} then {some} else {none} end"

    def _nulled(self, columns: list[Column], files: list[Path]) -> dict[str, int]:
        if not any(column.fallible for column in columns):
            return {}
        rows = self._duckdb.execute(
            "select field, count(*) from ("
            " select unnest(json_extract_string(_airbyte_meta, '$.changes[*].field')) as field"
            " from read_parquet($1) where contains(_airbyte_meta, 'NULLED')) group by all order by all",
            [[str(file) for file in files]],
        ).fetchall()
        return {field: int(count) for field, count in rows}


_INSTALLING = threading.Lock()
