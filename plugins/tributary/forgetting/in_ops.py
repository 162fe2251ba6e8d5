"""Keys of a person in the dataset `ops`: samples of rows that broke rules, and decisions about rows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tributary import naming
from tributary.contracts import Contract, Subject
from tributary.forgetting.requests import Request
from tributary.forgetting.tables import Links
from tributary.ledger.store import OpsStore, execute
from tributary.sqlfiles import read_sql

# The table, and the statement that takes keys out of it; `<statement>_counted` says of how many records.
_STATEMENTS = {"quality_results": "forget/samples", "quarantine_decisions": "forget/decisions"}


def clean(
    store: OpsStore, request: Request, contract: Contract, links: Iterable[Links]
) -> dict[tuple[str, str, str], int]:
    """Take the keys of the person's rows out; in how many records they were."""
    named = pattern(request.key, contract, contract.subjects[request.subject], list(links))
    values = {"database": request.database, "named": named}
    removed = {}
    for table, statement in _STATEMENTS.items():
        (counted,) = store.query(f"{statement}_counted", **values)
        removed["ops", naming.OPS, table] = counted["row_count"]
        if counted["row_count"]:
            execute(store.client, read_sql(statement), **values)
    return removed


def pattern(key: str, contract: Contract, subject: Subject, links: Iterable[Links]) -> str:
    """What tells the keys of the person's rows behind the name of their table.

    In both forms that `ops` has: `lines order_id=7, line=1` and `lines {"order_id":7,"line":1}`.
    """
    known = list(links)

    def keys_of(table: str) -> set[str]:
        return {one for of in known for one in of.keys_of(table)}

    tables = []
    for table, rule in subject.tables.items():
        keys = {rule.column: keys_of(rule.through) if rule.through else {key}}
        if table in contract.tables and len(own := contract.tables[table].primary_key) == 1:
            keys[own[0]] = keys.get(own[0], set()) | keys_of(table)
        named = [
            rf"{re.escape(column)}\"?[=:]\"?(?:{'|'.join(map(re.escape, sorted(found)))})"
            for column, found in keys.items()
            if found
        ]
        if named:
            tables.append(rf"{table} (?:.*[ ,{{\"])?(?:{'|'.join(named)})(?:$|[\",}}])")
    return f"^(?:{'|'.join(tables)})"
