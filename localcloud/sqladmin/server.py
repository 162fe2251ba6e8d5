"""The MariaDB server behind the instance: its databases, and the account that imports run with."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pymysql.cursors

from localcloud.settings import CLIENTS
from localcloud.sqladmin.config import Config
from localcloud.sqladmin.errors import ApiError
from localcloud.sqladmin.operations import OperationFailed

IMPORT_USER = "cloudsqlimport"

IMPORT_PRIVILEGES = (
    "select, insert, update, delete, create, drop, references, index, alter, create temporary tables,"
    " lock tables, execute, create view, show view, create routine, alter routine, event, trigger"
)
"""All that a plain dump needs in any database, and no SUPER, SET USER, FILE, CREATE USER or GRANT: as on
Cloud SQL, a ``DEFINER`` other than the import user is refused, and so is ``SET GLOBAL``."""

SYSTEM_DATABASES = ("mysql", "sys")
"""Where the import account may only look."""


def quoted(name: str) -> str:
    """*name* as a MySQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def word(value: str, what: str) -> str:
    """*value*, which must be one word (a character set or collation)."""
    if not re.fullmatch(r"\w{1,64}", value):
        raise ApiError(400, f"Invalid value for {what}: expected a single word, found {value!r}")
    return value


class Server:
    """Administrator's view of the server."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.import_password = secrets.token_urlsafe(24)

    @contextmanager
    def _cursor(self) -> Iterator[pymysql.cursors.Cursor]:
        connection = pymysql.connect(
            host=self._config.host, port=self._config.port,
            user=self._config.user, password=self._config.password,
            connect_timeout=5, read_timeout=120, autocommit=True, charset="utf8mb4",
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            yield cursor

    def databases(self) -> list[dict[str, str]]:
        """Name, charset and collation of every database, by name. Raises ApiError 503 without a server."""
        try:
            with self._cursor() as cursor:
                cursor.execute(
                    "select schema_name, default_character_set_name, default_collation_name"
                    " from information_schema.schemata order by schema_name"
                )
                rows: Any = cursor.fetchall()
        except pymysql.OperationalError as error:
            raise ApiError(503, f"The instance does not answer: {error.args[-1]}") from error
        return [{"name": name, "charset": charset, "collation": collation} for name, charset, collation in rows]

    def create(self, name: str, charset: str, collation: str) -> None:
        """Create a database; empty *charset* or *collation* means the server's. Raises OperationFailed."""
        self._alter("create", name, charset, collation)

    def alter(self, name: str, charset: str, collation: str) -> None:
        """Change a database's defaults. Raises OperationFailed."""
        self._alter("alter", name, charset, collation)

    def drop(self, name: str) -> None:
        """Drop a database with all it holds. Raises OperationFailed."""
        self._execute(f"drop database {quoted(name)}")

    def prepare_import(self) -> None:
        """Make the import account and its password valid. Raises OperationFailed."""
        account = f"'{IMPORT_USER}'@'{CLIENTS}'"
        self._execute(
            f"create or replace user {account} identified by '{self.import_password}'",
            f"grant {IMPORT_PRIVILEGES} on `%`.* to {account}",
            # The server takes the most specific of the matching grants: these hide the one above. Whoever may
            # insert into `mysql` could make accounts.
            *(f"grant show view on `{name}`.* to {account}" for name in SYSTEM_DATABASES),
        )

    def _alter(self, verb: str, name: str, charset: str, collation: str) -> None:
        statement = f"{verb} database {quoted(name)}"
        statement += f" character set {word(charset, 'charset')}" if charset else ""
        statement += f" collate {word(collation, 'collation')}" if collation else ""
        self._execute(statement)

    def _execute(self, *statements: str) -> None:
        try:
            with self._cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        except pymysql.MySQLError as error:
            number, message = (*error.args, "")[:2]
            raise OperationFailed("ERROR_RDBMS", f"Error {number}: {message}") from error
