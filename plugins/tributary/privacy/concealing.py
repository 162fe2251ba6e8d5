"""Hashes and masks in a staging database: what the sync reads in place of personal columns' clear values.

The clear column is renamed, and one of its name is computed from it when it is read, as drift's conversions are: no row
is written. A comment says by which contract and key, so that one of another is made anew. The definitions have what is
as secret as the key. So they are there only while somebody reads them: from the sync to the end of `reconcile`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tributary import naming
from tributary.contracts import Column, Table
from tributary.errors import PersonalDataError, TributaryError
from tributary.privacy.expressions import HashKey, concealed
from tributary.staging import comments_of

_MARK = "tributary: "
# A sync that was given up may read a table for hours more.
_PATIENCE_SECONDS = 60
# Texts of these may be as long as a server takes at once; a hash of more is NULL there, and a warning.
_LONG = frozenset({"mediumtext", "longtext"})
# What MySQL and MariaDB answer where something else is defined by a column that is to be renamed: unknown column,
# generated column, function in a partitioning, functional index, CHECK constraint.
_IN_USE = frozenset({1054, 1901, 3108, 3855, 3837, 3959})


@dataclass(frozen=True)
class Concealment:
    """The concealed columns of a contract's tables, in one staging database.

    `mysql` is a MySqlHook on its instance. `key` is None where no column is hashed.
    """

    mysql: Any
    staging: str
    tables: Mapping[str, Table]
    key: HashKey | None

    def conceal(self) -> None:
        """Let every column be read by its hash or mask, of this contract and key.

        Raises PersonalDataError where a definition in the dump does not allow it, or a value is too long.
        """
        for table, column, there in self._columns():
            if not self._is_right(table, column, there):
                self._reveal(table, column, there)
                if mark := self._mark(self.tables[table].columns[column]):
                    self._conceal(table, column, mark, there)
            said = self.tables[table].columns[column]
            # In any case: a try before may have been killed right here.
            if said.is_concealed and said.type in _LONG:
                self._require_all(table, column)

    def reveal(self) -> None:
        """Take every computed column away, and give the clear ones their names back."""
        for table, column, there in self._columns():
            self._reveal(table, column, there)

    def is_done(self) -> bool:
        """Whether what is read of every column is what this contract and key make of it."""
        return all(self._is_right(table, column, there) for table, column, there in self._columns())

    @contextmanager
    def for_reading(self) -> Iterator[None]:
        """Conceal for the time being; what is computed is gone afterwards."""
        self.conceal()
        yield
        self.reveal()

    def _columns(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Each described column that is there under either name, with the comments of its table's columns."""
        found = comments_of(self.mysql, self.staging)
        for table, described in self.tables.items():
            there = found.get(table, {})
            for column in described.columns:
                if column in there or naming.personal_column(column) in there:
                    yield table, column, there

    def _is_right(self, table: str, column: str, there: Mapping[str, str]) -> bool:
        mark = self._mark(self.tables[table].columns[column])
        return there.get(column) == mark if mark else not _is_aside(column, there)

    def _mark(self, column: Column) -> str | None:
        """What the comment of its computed column says; None where the column is read as it is."""
        if not column.is_concealed or column.personal is None:
            return None
        # The key is told by its fingerprint alone: whoever knows the blocks knows the key.
        blank = HashKey("", "") if self.key else None
        way = concealed("", column.type, column.personal, blank)
        of = f"{column.copied_type} {way} {self.key.fingerprint if self.key else ''}"
        return _MARK + hashlib.sha256(of.encode()).hexdigest()[:32]

    def _reveal(self, table: str, column: str, there: dict[str, str]) -> None:
        if not _is_aside(column, there):
            return
        aside = naming.personal_column(column)
        if column in there:
            self._alter(table, f"drop column `{column}`")
        self._alter(table, f"rename column `{aside}` to `{column}`")
        there[column] = there.pop(aside)

    def _conceal(self, table: str, column: str, mark: str, there: Mapping[str, str]) -> None:
        said, aside = self.tables[table].columns[column], naming.personal_column(column)
        if aside in there:
            raise PersonalDataError(
                f"the dump's table {table} has a column {aside} of its own: expected none, as Tributary sets {column} "
                "aside under that name. Have production rename it; then clear find_dump"
            )
        if said.personal is None:
            return
        try:
            self._alter(table, f"rename column `{column}` to `{aside}`")
        except Exception as error:
            if _number(error) in _IN_USE:
                raise PersonalDataError(
                    f"{table}.{column}: expected a column that nothing else is defined by, to be copied as "
                    f"`{said.personal}`; found that the server refuses to rename it (error {_number(error)}): a CHECK "
                    "constraint, a generated column or the partitioning uses it. Nothing was copied. Say "
                    "`personal: drop` in the contract, or have production take that away; then clear sync"
                ) from None
            raise
        made = concealed(f"`{aside}`", said.type, said.personal, self.key)
        try:
            self._alter(table, f"add column `{column}` {said.copied_type} as ({made}) virtual comment '{mark}'")
        except Exception as error:  # noqa: BLE001 - of the driver, which is the hook's to choose
            # Without its words: MySQL quotes the statement, which has what the key is known by.
            raise TributaryError(
                f"{table}.{column}: the server could not compute its {said.personal} (error {_number(error)}); "
                "nothing was copied"
            ) from None

    def _require_all(self, table: str, column: str) -> None:
        aside = naming.personal_column(column)
        query = f"select count(*) from `{self.staging}`.`{table}` where `{aside}` is not null and `{column}` is null"  # noqa: S608
        (lost,) = self.mysql.get_first(query)
        if lost:
            raise PersonalDataError(
                f"{table}.{column}: expected values that the server hashes or masks, found {lost:,} that are longer "
                "than its max_allowed_packet. Nothing was copied. Raise that, or say `personal: drop`; then clear sync"
            )

    def _alter(self, table: str, change: str) -> None:
        # Not by the hook, which tells logs and lineage of its statements.
        with closing(self.mysql.get_conn()) as connection, connection.cursor() as cursor:
            cursor.execute(f"set session lock_wait_timeout = {_PATIENCE_SECONDS}")
            cursor.execute(f"alter table `{self.staging}`.`{table}` {change}")


def _is_aside(column: str, there: Mapping[str, str]) -> bool:
    """Whether Tributary, and not the dump, has the clear column under its other name."""
    return naming.personal_column(column) in there and there.get(column, _MARK).startswith(_MARK)


def _number(error: Exception) -> int | None:
    """MySQL's number of an error."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else None
