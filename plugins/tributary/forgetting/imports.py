"""What becomes of requests on record when a dump comes that still has the rows: they are left out, and counted."""

from __future__ import annotations

from typing import Any

from tributary import naming
from tributary.contracts import Contract
from tributary.errors import ForgottenMeanwhileError
from tributary.forgetting.requests import on_record, require_subjects
from tributary.forgetting.staging import take_out
from tributary.ledger.store import OpsStore

# The ledger's stage: rows that the dump has more than the staging database.
STAGE = "forgotten"
# The key of the import's result under which the number of requests stands that it knew of.
REQUESTS = "requests"


def leave_out(
    store: OpsStore, mysql: Any, contract: Contract, database: str, *, dump_date: str, run_id: str
) -> dict[str, int]:
    """Take the rows of every request about a database out of its staging database, right behind the import.

    What a dump still had goes to `ops.forget_receipts`: production has not deleted it. Returns, under `REQUESTS`, how
    many requests there were.
    """
    requests = on_record(store, database)
    if requests:
        require_subjects(requests, contract)
        staging = naming.staging_database(database)
        counts = take_out(mysql, staging, contract, requests)
        rows = [
            {
                "request_id": request,
                "database": database,
                "layer": "dump",
                "dataset": staging,
                "table_name": table,
                "removed": removed,
                "remaining": 0,
                "dump_date": dump_date,
                "run_id": run_id,
            }
            for (request, table), removed in counts.items()
            if removed
        ]
        store.append_all("forget_receipts", rows)
    return {REQUESTS: len(requests)}


def require_none_since(store: OpsStore, database: str, imported: dict[str, Any] | None) -> None:
    """Raise ForgottenMeanwhileError where a request came that the run's import did not know of.

    :param imported: the import's result. A sync or dbt may have read the rows before the request took them out.
    """
    known = (imported or {}).get(REQUESTS, 0)
    newer = sorted(on_record(store, database), key=lambda request: str(request.requested_at))[known:]
    if newer:
        raise ForgottenMeanwhileError(
            f"{', '.join(request.id for request in newer)} asked to forget rows of {database} since this run's import, "
            "and what it read before may have them. Its day does not land. Clear import_dump, with everything "
            "downstream: the rows are left out then."
        )
