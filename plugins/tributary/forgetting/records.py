"""What the ledger says of days whose rows were taken out afterwards: written before they go, from what will be left.

So a later comparison of the marts with the ledger holds, and `dump = forgotten + raw` and `raw = marts + quarantine`
stay true of every day. Where a try is killed in between, the ledger says less than there is; the next one goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from tributary.contracts import Contract
from tributary.forgetting.areas import Area
from tributary.forgetting.imports import STAGE
from tributary.forgetting.requests import Request
from tributary.forgetting.tables import Links
from tributary.ledger.checksums import Content, bigquery_columns, bigquery_query_by, content
from tributary.ledger.reading import table_columns
from tributary.ledger.store import OpsStore, execute

# What a record of the ledger has in place of a run.
RUN = "forget__{}"

# By table, the days on which it has rows of the person.
Days = Mapping[str, Iterable[str]]


def record_what_will_be_left(
    store: OpsStore, contract: Contract, request: Request, links: Links, marts: Area, quarantine: Area, days: Days
) -> None:
    """Append the ledger's counts, without the person, of days and tables whose marts or quarantine have such rows."""
    left = {area.layer: _left(area, links, days) for area in (marts, quarantine)}
    dumps = {
        (row["table_name"], row["dump_date"].isoformat()): row["row_count"]
        for row in store.query("ops/dump_counts", database=request.database)
    }
    built = {one.table for one in marts.tables} & {*contract.mart_names}
    records: dict[str, dict[str, dict[str, Content]]] = {}

    def note(day: str, stage: str, table: str, found: Content) -> None:
        records.setdefault(day, {}).setdefault(stage, {})[table] = found

    for table, of_table in days.items():
        for day in of_table:
            aside = left[quarantine.layer].get((table, day))
            if aside:
                note(day, "quarantine", table, Content(aside.rows))
            mart = left[marts.layer].get((table, day))
            if table not in built or mart is None:
                continue
            note(day, "marts", table, mart)
            if table in contract.tables:
                rows = mart.rows + (aside.rows if aside else 0)
                note(day, "raw", table, Content(rows))
                if (table, day) in dumps:
                    note(day, STAGE, table, Content(dumps[table, day] - rows))
    _append(store, request, records)


def _left(area: Area, links: Links, days: Days) -> dict[tuple[str, str], Content]:
    """By table and day, what a dataset will have: rows and checksums."""
    types = table_columns(area.client, area.dataset) if area.tables else {}
    found: dict[tuple[str, str], Content] = {}
    for target in area.tables:
        if "_dump_date" in types[target.table] and (wanted := sorted(days.get(target.table, ()))):
            columns = bigquery_columns(types[target.table])
            found |= {(target.table, day): content(columns, 0, 0, 0) for day in wanted}
            condition = (
                f"not coalesce({target.condition(area.only)}, false) "
                "and cast(_dump_date as string) in unnest(json_value_array(@days))"
            )
            query = bigquery_query_by("_dump_date", area.dataset, {target.table: columns}, condition)
            parameters = area.parameters(target, links) | {"days": json.dumps(wanted)}
            for day, table, rows, *sums in execute(area.client, query, **parameters):
                found[table, day.isoformat()] = content(columns, rows, *sums)
    return found


def _append(store: OpsStore, request: Request, records: Mapping[str, Mapping[str, Mapping[str, Content]]]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "database": request.database,
            "dump_date": date.fromisoformat(day).isoformat(),
            "stage": stage,
            "table_name": table,
            "row_count": found.rows,
            "checksum": found.checksum,
            "run_id": RUN.format(request.id),
        }
        for day, stages in records.items()
        for stage, tables in stages.items()
        for table, found in tables.items()
    ]
    store.append_all("ledger_log", rows)
