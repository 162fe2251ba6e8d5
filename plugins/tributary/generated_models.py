"""The dbt models of apps whose contract says `models: generated`: a mart for each table, typed and described. Pure.

Each takes the rows of raw into the partition of their dump, as marts that people write do, with every column cast to
what its MySQL type is in BigQuery. All of its configuration stands in it: dbt warns of any in dbt_project.yml that is
for no model. Its columns' types are not enforced: what a loader makes of JSON and bytes is not the contract's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tributary.contracts import Contract, Table
from tributary.privacy.tagged_models import POLICY_TAGS
from tributary.privacy.ways import Personal
from tributary.quality.schema import bigquery_types

# Below include/dbt/models; every file there is made.
FOLDER = "generated"
# Where raw may have one or another, by the loader, the one that is the type's own.
_TYPED = {
    frozenset({"BOOL", "INT64"}): "INT64",
    frozenset({"INT64", "NUMERIC"}): "NUMERIC",
    frozenset({"FLOAT64", "NUMERIC"}): "FLOAT64",
    frozenset({"BIGNUMERIC", "STRING"}): "STRING",
}
# https://cloud.google.com/bigquery/docs/clustered-tables#limitations
_CLUSTERED = frozenset({"INT64", "STRING", "DATE", "DATETIME", "TIMESTAMP", "NUMERIC"})
_MOST_CLUSTERED = 4
_BEYOND = re.compile("[\U00010000-\U0010ffff]")

# The first line of what is made of a contract, behind the sign of a comment.
MADE = "Made from include/contracts/{app}.yaml by `tributary generate`; change the contract instead.\n"
_SQL = """-- {made}{{{{ config(
    alias='{table}',
    schema='{database}',
    tags=['{app}'],
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={{'field': '_dump_date', 'data_type': 'date'}},
    partitions=["that of the run's dump (macros/replace_partition.sql)"],
    cluster_by={keys},
    on_schema_change='append_new_columns',
    persist_docs={{'relation': true, 'columns': true}}
) }}}}

select
    {{{{ dump_date() }}}} as `_dump_date`,
    {columns}
from {{{{ source('raw_{app}', '{table}') }}}}
"""


def typed_as(mysql_type: str) -> str | None:
    """BigQuery's type of a column of this MySQL type; None: what the loader gives stays, as of JSON and bytes."""
    options = bigquery_types(mysql_type)
    return next(iter(options)) if len(options) == 1 else _TYPED.get(options)


def model_name(app: str, table: str) -> str:
    """The name of a table's model, which is one of all apps: `chinook__Album`."""
    return f"{app}__{table}"


def models_of(contract: Contract, database: str) -> Iterator[tuple[Path, str]]:
    """The files of an app's models, by their place below include/dbt/models.

    :param database: the database whose dataset dbt shows where no run says which one.
    """
    folder = Path(FOLDER) / contract.app
    for name, table in contract.tables.items():
        yield folder / f"{model_name(contract.app, name)}.sql", _sql(contract.app, database, name, table)
    models = [_described(contract.app, name, table) for name, table in contract.tables.items()]
    text = yaml.safe_dump({"models": models}, sort_keys=False, allow_unicode=True, width=110)
    yield folder / f"_{contract.app}__models.yml", f"# {MADE.format(app=contract.app)}{text}"


def typed_columns(table: Table) -> list[str]:
    """The columns that are copied, as a `select` from raw takes them."""
    types = {column: typed_as(table.columns[column].copied_type) for column in table.selected_columns}
    return [
        f"cast(`{column}` as {kind.lower()}) as `{column}`" if kind else f"`{column}`" for column, kind in types.items()
    ]


def clustered_by(table: Table) -> list[str] | None:
    """The columns of the key that BigQuery can cluster by."""
    keys = [column for column in table.primary_key if typed_as(table.columns[column].copied_type) in _CLUSTERED]
    return keys[:_MOST_CLUSTERED] or None


def _sql(app: str, database: str, name: str, table: Table) -> str:
    return _SQL.format(
        made=MADE.format(app=app),
        app=app,
        database=database,
        table=name,
        keys=clustered_by(table),
        columns=",\n    ".join(typed_columns(table)),
    )


def _described(app: str, name: str, table: Table) -> dict[str, Any]:
    columns = [
        {"name": "_dump_date", "data_type": "date", "description": "{{ doc('dump_date') }}"},
        *described_columns(table),
    ]
    return {"name": model_name(app, name), "description": table_description(table), "columns": columns}


def described_columns(table: Table) -> list[dict[str, Any]]:
    """The columns that are copied, as a model's yml describes them."""
    return [
        {
            "name": column,
            "quote": True,
            **({"data_type": kind.lower()} if (kind := typed_as(table.columns[column].copied_type)) else {}),
            "description": literal(table.columns[column].description),
            **({"policy_tags": list(POLICY_TAGS)} if table.columns[column].personal is Personal.tag else {}),
        }
        for column in table.selected_columns
    ]


def table_description(table: Table) -> str:
    """A table's description, as dbt takes it and can write it into SQL."""
    # dbt does so with escapes that BigQuery refuses for what is beyond the first plane of Unicode.
    return literal(_BEYOND.sub("\N{REPLACEMENT CHARACTER}", table.description))


def literal(text: str) -> str:
    """A description that dbt takes as it is: what looks like Jinja in it, a dump's comment perhaps, would be run."""
    return text.replace("{", "{{ '{' }}")
