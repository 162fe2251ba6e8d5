"""The queries that count rows: one for all tables of a stage, valid in MySQL and in BigQuery."""

from __future__ import annotations

from collections.abc import Iterable


def count_query(dataset: str, tables: Iterable[str], condition: str | None = None) -> str:
    """`select '<table>', count(*) from ...` for every table, joined by `union all`.

    Back-ticks quote identifiers in both languages. `condition` is a fixed piece of SQL with
    parameters, never a value.
    """
    where = f" where {condition}" if condition else ""
    return "\nunion all\n".join(
        f"select '{table}' as table_name, count(*) as row_count from `{dataset}`.`{table}`{where}"  # noqa: S608
        for table in tables
    )
