"""Making a staging database as its contract says, where the decisions about its dump ask for that.

All of it is done by columns that are renamed or computed: no row is written, so no trigger runs and no `ON UPDATE`
changes a time. Each statement looks first whether it was done, so that a try that was killed is gone on with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from tributary import naming
from tributary.contracts import Table
from tributary.drift.changes import ChangeKind
from tributary.drift.conversions import Conversion, conversion
from tributary.drift.decisions import Decision, Outcome
from tributary.errors import SchemaDriftError
from tributary.staging import columns_of


def conform(mysql: Any, staging: str, tables: Mapping[str, Table], decisions: Iterable[Decision]) -> None:
    """Carry out the decisions in a staging database that was imported whole.

    `mysql` is a MySqlHook on its instance. Raises SchemaDriftError where a value cannot be converted that has to be.
    """
    found = columns_of(mysql, staging)
    for one in decisions:
        if one.outcome is Outcome.COPIED or not one.changes_run:
            continue
        there = found.get(one.change.table, [])
        for statement in statements(one, tables[one.change.table], there):
            mysql.run(f"alter table `{staging}`.`{one.change.table}` {statement}")
        if one.outcome is Outcome.CONVERTED:
            _require_all(mysql, staging, one)


def statements(one: Decision, table: Table, there: Collection[str]) -> Iterator[str]:
    """What is left to do of a decision, as pieces of ALTER TABLE; `there` are the columns that the table has."""
    column = one.change.column
    aside, unfit = naming.found_column(column), naming.unfit_column(column)
    if one.outcome is Outcome.RENAMED:
        if column not in there:
            yield f"rename column `{one.change.found}` to `{column}`"
        return
    is_new = column not in there
    if one.change.kind is ChangeKind.RETYPED and aside not in there:
        # What stands there is out of the way, and may be read.
        yield f"rename column `{column}` to `{aside}`"
        is_new = True
    if one.outcome is Outcome.EMPTY:
        if is_new:
            yield f"add column `{column}` {table.columns[column].type} null"
        return
    way = _conversion(one)
    if is_new:
        yield f"add column `{column}` {way.type} as ({way.converted(f'`{aside}`')}) virtual"
    if one.outcome is Outcome.SET_ASIDE and unfit not in there:
        yield f"add column `{unfit}` longtext as ({way.unfit(f'`{aside}`')}) virtual"


def _conversion(one: Decision) -> Conversion:
    way = conversion(one.change.found, one.change.expected)
    if way is None:
        raise SchemaDriftError(f"{one.change}: expected a type that is converted; clear preflight to decide anew")
    return way


def _require_all(mysql: Any, staging: str, one: Decision) -> None:
    column, aside = one.change.column, naming.found_column(one.change.column)
    query = f"select count(*) from `{staging}`.`{one.change.table}` where `{aside}` is not null and `{column}` is null"  # noqa: S608
    (unfit,) = mysql.get_first(query)
    if unfit:
        raise SchemaDriftError(
            f"{one.change}; {unfit:,} rows have a value that {one.change.expected} cannot hold. The staging database "
            "is not read. Have production repair them, let them be set aside with `on_change: quarantine_rows`, or "
            "change the contract; then clear find_dump"
        )
