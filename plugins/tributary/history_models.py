"""The dbt models of tables whose contract says `history: true`: every version that their rows have had. Pure.

They are made for all apps, whoever writes the other models: a history is of production's columns, so the contract says
all of it. How versions are told apart is the materialization's to say (include/dbt/macros/history.sql).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tributary import naming
from tributary.contracts import Contract, Table
from tributary.generated_models import (
    FOLDER,
    MADE,
    clustered_by,
    described_columns,
    model_name,
    table_description,
    typed_columns,
)

_SQL = """-- {made}{{{{ config(
    alias='{history}',
    schema='{database}',
    tags=['{app}'],
    materialized='history',
    unique_key={keys},
    partition_by={{'field': '_valid_to', 'data_type': 'date'}},
    cluster_by={clustered},
    full_refresh=false,
    persist_docs={{'relation': true, 'columns': true}}
) }}}}

select
    {{{{ dump_date() }}}} as `_valid_from`,
    cast(null as date) as `_valid_to`,
    cast(null as string) as `_ended_by`,
    {columns}
from {{{{ source('raw_{app}', '{table}') }}}}
"""
# With production's key it names a row.
VALID_FROM = "_valid_from"
_OWN_COLUMNS = (
    (VALID_FROM, "date", "Day of the first dump that has the row so."),
    (
        "_valid_to",
        "date",
        "Day of the first dump after it that has the row otherwise, or no more; empty while the newest one has it so.",
    ),
    (
        "_ended_by",
        "string",
        "Why that dump has it so no more: `change`, `deletion`, or `quarantine` where the row was set aside there.",
    ),
)


def histories_of(contract: Contract, database: str) -> Iterator[tuple[Path, str]]:
    """The files of the models of an app's histories, by their place below include/dbt/models.

    :param database: the database whose dataset dbt shows where no run says which one.
    """
    folder, app = Path(FOLDER) / contract.app, contract.app
    for table, history in contract.histories.items():
        yield folder / f"{model_name(app, history)}.sql", _sql(app, database, table, history, contract.tables[table])
    if contract.histories:
        models = [_described(app, name, history, contract.tables[name]) for name, history in contract.histories.items()]
        text = yaml.safe_dump({"models": models}, sort_keys=False, allow_unicode=True, width=110)
        yield folder / f"_{app}__histories.yml", f"# {MADE.format(app=app)}{text}"


def _sql(app: str, database: str, name: str, history: str, table: Table) -> str:
    return _SQL.format(
        made=MADE.format(app=app),
        app=app,
        database=database,
        table=name,
        history=history,
        keys=list(table.primary_key),
        clustered=clustered_by(table),
        columns=",\n    ".join(typed_columns(table)),
    )


def _described(app: str, name: str, history: str, table: Table) -> dict[str, Any]:
    model, days = model_name(app, history), naming.history_days(history)
    given = {"key": list(table.primary_key), "app": app, "table": name}
    return {
        "name": model,
        "description": f"Every version that the rows of `{name}` have had in the dumps; `{days}` says in which dumps. "
        f"Of `{name}`: {table_description(table) or 'not described.'}",
        "data_tests": [{"versions": {"name": f"{model}__versions", "arguments": given}}],
        "columns": [
            *({"name": name, "data_type": kind, "description": text} for name, kind, text in _OWN_COLUMNS),
            *described_columns(table),
        ],
    }
