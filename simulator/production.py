"""Connections to the production MySQL server, and statements kept in `.sql` files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pymysql
from pymysql.connections import Connection

from simulator.errors import ServerAwayError
from simulator.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 300
# The session decides nothing by itself: times are UTC, a value that does not fit is an error.
SESSION = "set time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"


@contextmanager
def connect(settings: Settings, database: str | None = None) -> Iterator[Connection]:
    """A connection with `database` as its default; commits when the block ends well, rolls back otherwise.

    Raises ServerAwayError when the server cannot be reached or refuses the login.
    """
    try:
        connection = pymysql.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password,
            database=database,
            charset="utf8mb4",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            write_timeout=READ_TIMEOUT_SECONDS,
            init_command=SESSION,
            autocommit=False,
        )
    except pymysql.err.OperationalError as error:
        raise ServerAwayError(
            f"production server {settings.host}:{settings.port} does not let {settings.user!r} in"
            f" ({error.args[-1]}); is it running? `make run` starts it"
        ) from error
    try:
        yield connection
        connection.commit()
    except pymysql.MySQLError as error:
        raise ServerAwayError(
            f"production server {settings.host}:{settings.port} failed or refused a statement"
            f" ({error.args[-1]}); nothing of it was committed"
        ) from error
    finally:
        connection.close()  # what was not committed is rolled back by the server


@cache
def sql(path: str) -> str:
    """The text of `simulator/<path>.sql`."""
    return (Path(__file__).parent / f"{path}.sql").read_text(encoding="utf-8")


def query(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a select."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def execute(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> None:
    """One statement that returns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def execute_many(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """`statement` for every row; an `insert ... values (...)` goes out in multi-row batches of about 1 MB."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def insert(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts rows in bulk; `table` and `columns` are names of our own schema files."""
    places = ", ".join(["%s"] * len(columns))
    names = ", ".join(f"`{column}`" for column in columns)
    execute_many(connection, f"insert into `{table}` ({names}) values ({places})", rows)  # noqa: S608


def create_database(connection: Connection, name: str, schema: str) -> None:
    """Creates database `name` and its tables (statements of `schema`, each ended by `;` at a line's end)."""
    execute(connection, f"create database if not exists `{name}` character set utf8mb4 collate utf8mb4_unicode_ci")
    connection.select_db(name)
    for statement in schema.split(";\n"):
        if statement.strip():
            execute(connection, statement)


def row_counts(connection: Connection) -> dict[str, int]:
    """Exact number of rows of every table of the connection's database, by table name."""
    tables = [name for (name,) in query(connection, sql("sql/tables"))]
    return {table: query(connection, f"select count(*) from `{table}`")[0][0] for table in tables}  # noqa: S608
