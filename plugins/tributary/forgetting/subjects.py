"""What a contract says of a subject: whether it can be so, and what a request's key is in its columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tributary.drift.conversions import integer_limits
from tributary.errors import TributaryError
from tributary.quality.schema import mysql_type

if TYPE_CHECKING:
    from tributary.contracts import Contract, Subject

_TEXTS = frozenset({"char", "varchar"})


class UnknownSubjectError(TributaryError):
    """There is no such subject, database or key; says what is expected."""


def subject_of(contract: Contract, name: str) -> Subject:
    """A subject of the contract. Raises UnknownSubjectError that lists those there are."""
    try:
        return contract.subjects[name]
    except KeyError:
        known = ", ".join(contract.subjects) or "none; include/contracts names them under `subjects`"
        raise UnknownSubjectError(f"found the subject {name!r}, expected one of {contract.app}: {known}") from None


def looked_for(contract: Contract, subject: Subject, key: str) -> str:
    """What the subject's columns hold for a key that a person gives, as text: from the staging database on.

    The one place that knows it; what is on record and compared anywhere is this value. Raises UnknownSubjectError
    where no column of that type could hold the key.
    """
    column, kind = _key_column(contract, subject)
    text = key.strip()
    limits = integer_limits(kind)
    if limits is None:
        longest = int(mysql_type(kind)[1] or 1)
        if not text or len(text) > longest:
            raise UnknownSubjectError(
                f"found a key of {len(text)} characters, expected 1 to {longest} for {column}, {kind}"
            )
        return text
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or not limits[0] <= int(text) <= limits[1]:
        raise UnknownSubjectError(
            f"found the key {text!r}, expected a whole number of {limits[0]} to {limits[1]} for {column}, {kind}"
        )
    return str(int(text))


def depths(subject: Subject) -> dict[str, int]:
    """How many tables lie between each of the subject's tables and its key, the nearest first; cycles are left out."""
    found = {table: 0 for table, rule in subject.tables.items() if not rule.through}
    while more := {
        table: found[rule.through] + 1
        for table, rule in subject.tables.items()
        if table not in found and rule.through in found
    }:
        found |= more
    return found


def faults(contract: Contract) -> Iterator[str]:
    """What is wrong with the subjects of a contract, each with its place and what was expected."""
    for name, subject in contract.subjects.items():
        yield from (f"subjects.{name}.{fault}" for fault in _faults(contract, subject))


def unnamed(contract: Contract) -> Iterator[str]:
    """Tables that look as if they were a subject's, since they have a column by which others are; a person decides."""
    for name, subject in contract.subjects.items():
        columns = {rule.column for rule in subject.tables.values()}
        for table, described in contract.tables.items():
            if table not in subject.tables and table not in subject.kept:
                for column in sorted(columns & set(described.selected_columns)):
                    yield (
                        f"subjects.{name}.tables: {table} has {column}, too; expected it among them, or under `kept` "
                        "with the reason why its rows stay"
                    )


def _faults(contract: Contract, subject: Subject) -> Iterator[str]:
    known = {*contract.tables, *contract.marts}
    for place, tables in (("tables", subject.tables), ("kept", subject.kept)):
        if unknown := sorted(set(tables) - known):
            yield f"{place}: found {unknown[0]!r}, expected a table or mart of this contract"
    direct = {table: rule.column for table, rule in subject.tables.items() if not rule.through}
    typed = {table: column for table, column in direct.items() if table in contract.tables}
    if not typed:
        yield "tables: found none of the contract's with the column of a key, expected `customers: customer_id`"
        return
    usable = True
    for table, column in typed.items():
        found = contract.tables[table].columns.get(column)
        copied = column in contract.tables[table].selected_columns
        # What is concealed on its way is looked for by what it becomes, which `looked_for` does not know.
        if found is None or not copied or found.personal or not _is_key(found.type):
            usable = False
            yield (
                f"tables.{table}: found {column!r}, expected a column of the table that is copied as it is, a "
                "whole number, CHAR or VARCHAR"
            )
    if (
        usable
        and len(
            {integer_limits(contract.tables[table].columns[column].type) is None for table, column in typed.items()}
        )
        > 1
    ):
        yield "tables: found numbers and texts as columns of one key, expected one or the other"
    yield from _faults_of_links(contract, subject)


def _faults_of_links(contract: Contract, subject: Subject) -> Iterator[str]:
    for table, rule in subject.tables.items():
        if not rule.through:
            continue
        parent = contract.tables.get(rule.through)
        if rule.through not in subject.tables or parent is None or len(parent.primary_key) != 1:
            yield (
                f"tables.{table}.through: found {rule.through!r}, expected another table of the subject whose primary "
                "key is one column"
            )
        elif table not in depths(subject):
            yield f"tables.{table}.through: found {rule.through!r}, which leads back to {table}; expected the key's way"
        elif table in contract.tables and not _is_clear(contract, table, rule.column):
            yield f"tables.{table}: found {rule.column!r}, expected a column of the table that is copied as it is"
        elif not _is_clear(contract, rule.through, parent.primary_key[0]):
            yield f"tables.{table}.through: found {rule.through!r}, expected a table whose key is copied as it is"


def _key_column(contract: Contract, subject: Subject) -> tuple[str, str]:
    """The place and MySQL type of the first column of the key."""
    return next(
        (f"{table}.{rule.column}", contract.tables[table].columns[rule.column].type)
        for table, rule in subject.tables.items()
        if not rule.through and table in contract.tables
    )


def _is_clear(contract: Contract, table: str, column: str) -> bool:
    """Whether a column is copied with its values: a hash or mask is another value in MySQL than behind it."""
    described = contract.tables[table]
    return column in described.selected_columns and column not in described.concealed_columns


def _is_key(kind: str) -> bool:
    return integer_limits(kind) is not None or mysql_type(kind)[0] in _TEXTS
