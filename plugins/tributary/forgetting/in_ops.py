"""Keys of a person in the dataset `ops`: samples of rows that broke rules, and decisions about rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tributary import naming
from tributary.contracts import Contract, Subject
from tributary.forgetting.requests import Request
from tributary.forgetting.tables import Links
from tributary.ledger.store import OpsStore, execute
from tributary.sqlfiles import read_sql

# BigQuery refuses a pattern that is too large; somebody may have placed ten thousand orders.
_AT_ONCE = 500
# The table, and the statement that takes keys out of it; `<statement>_counted` says of how many records.
_STATEMENTS = {"quality_results": "forget/samples", "quarantine_decisions": "forget/decisions"}


def clean(
    store: OpsStore, request: Request, contract: Contract, links: Iterable[Links]
) -> dict[tuple[str, str, str], int]:
    """Take the keys of the person's rows out; in how many records they were."""
    removed = {("ops", naming.OPS, table): 0 for table in _STATEMENTS}
    for named in patterns(request.key, contract, contract.subjects[request.subject], links):
        values = {"database": request.database, "named": named}
        for table, statement in _STATEMENTS.items():
            (counted,) = store.query(f"{statement}_counted", **values)
            if counted["row_count"]:
                execute(store.client, read_sql(statement), **values)
                removed["ops", naming.OPS, table] += counted["row_count"]
    return removed


def patterns(key: str, contract: Contract, subject: Subject, links: Iterable[Links]) -> Iterator[str]:
    """What tells the keys of the person's rows behind the name of their table; each of some hundred keys.

    In both forms that `ops` has: `lines order_id=7, line=1` and `lines {"order_id":7,"line":1}`.
    """
    named = list(_named(key, contract, subject, list(links)))
    for first in range(0, len(named), _AT_ONCE):
        by_column: dict[tuple[str, str], list[str]] = {}
        for table, column, one in named[first : first + _AT_ONCE]:
            by_column.setdefault((table, column), []).append(re.escape(one))
        told = [
            rf"{table} (?:.*[ ,{{\"])?{re.escape(column)}\"?[=:]\"?(?:{'|'.join(keys)})(?:$|[\",}}])"
            for (table, column), keys in by_column.items()
        ]
        yield f"^(?:{'|'.join(told)})"


def _named(key: str, contract: Contract, subject: Subject, links: list[Links]) -> Iterator[tuple[str, str, str]]:
    """Every key of the person's rows, with its table and column."""

    def keys_of(table: str) -> set[str]:
        return {one for of in links for one in of.keys_of(table)}

    for table, rule in subject.tables.items():
        found = {rule.column: keys_of(rule.through) if rule.through else {key}}
        if table in contract.tables and len(own := contract.tables[table].primary_key) == 1:
            found[own[0]] = found.get(own[0], set()) | keys_of(table)
        for column, keys in found.items():
            yield from ((table, column, one) for one in sorted(keys))
