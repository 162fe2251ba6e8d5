"""Corrections of bqemulator 1.4.0: dbt's enforced contracts and tests do not run on it without.

All are narrow and keep to what BigQuery does; drop one when a newer emulator passes the tests of ``include/dbt``
without it.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from bqemulator.api.routes import tables
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.models import TableFieldSchema, TableMeta
from bqemulator.jobs import ddl_result
from bqemulator.sql import translator
from bqemulator.sql.rewriter import create_table_schema_ctas as schema_ctas
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from sqlglot import Generator, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.optimizer.qualify import qualify


def apply() -> None:
    """Patch the emulator in this process; call it before the server starts."""
    _accept_parentheses_in_create_table_as()
    _leave_stars_alone()
    _read_column_options()
    _hold_all_of_numeric()
    _keep_policy_tags()
    _add_columns_by_the_api()


def _accept_parentheses_in_create_table_as() -> None:
    """``create table t (schema) as (select ...)``, dbt's form, is treated as the form without parentheses.

    The emulator rewrites the latter for DuckDB, which knows no schema there, and passes the former on to fail.
    As in the emulator's own rewriting, ``not null`` is accepted and not enforced.
    """
    first_select = schema_ctas._first_select

    def unwrapped(body: exp.Expression | None) -> exp.Select | None:
        return first_select(body.unnest() if isinstance(body, exp.Subquery) else body)

    schema_ctas._first_select = unwrapped


def _leave_stars_alone() -> None:
    """A ``select *`` stays one while the emulator finds out the types of a query.

    It expands stars from a list of columns by bare table name, so with ``a.t`` and ``b.t`` in one query, if only
    through a view, it gave one of them the columns of the other.
    """
    translator.qualify = partial(qualify, expand_stars=False)


def _read_column_options() -> None:
    """``create table t (c int64 options (description = '...'))`` does not fail on the compiled sqlglot.

    Its typed properties refuse what the interpreted ones let pass: a column's options are no constraint.
    """

    def is_required(column: exp.ColumnDef) -> bool:
        kinds = (constraint.args.get("kind") for constraint in column.args.get("constraints") or ())
        return any(isinstance(kind, exp.NotNullColumnConstraint) for kind in kinds)

    ddl_result._has_not_null_constraint = is_required


def _hold_all_of_numeric() -> None:
    """``numeric`` holds BigQuery's 29 digits before the point and 9 behind it, in a cast and as a column.

    DuckDB's DECIMAL without a size is DECIMAL(18, 3): the fourth digit behind the point was rounded away.
    """

    written = DuckDB.Generator.TRANSFORMS[exp.DataType]

    def sized(self: Generator, kind: exp.DataType) -> str:
        is_bare = kind.this is exp.DataType.Type.DECIMAL and not kind.expressions
        return "DECIMAL(38, 9)" if is_bare else written(self, kind)

    DuckDB.Generator.TRANSFORMS[exp.DataType] = sized


def _keep_policy_tags() -> None:
    """A column's ``policyTags`` are kept, as any other thing that its schema says. Nobody is refused for them here.

    The emulator's fields have no place for them. They stand in one that it stores and never reads.
    """
    parsed, written = tables._parse_schema_fields, tables._field_to_rest

    def parse(raw_fields: list[dict[str, Any]]) -> tuple[TableFieldSchema, ...]:
        tags = [(raw.get("policyTags") or {}).get("names") for raw in raw_fields]
        fields = zip(parsed(raw_fields), tags, strict=True)
        return tuple(
            field.model_copy(update={"rounding_mode": json.dumps(names)}) if names else field for field, names in fields
        )

    def write(field: TableFieldSchema) -> dict[str, Any]:
        tags = {"policyTags": {"names": json.loads(field.rounding_mode)}} if field.rounding_mode else {}
        return {**written(field), **tags}

    tables._parse_schema_fields, tables._field_to_rest = parse, write


def _add_columns_by_the_api() -> None:
    """``tables.patch`` and ``tables.update`` with further columns give the table these columns, empty in its rows.

    It is how dbt adds columns to a model. The emulator kept them in what it says of the table alone, so that the next
    statement did not find them.
    """
    update_table = DuckDBCatalogRepository.update_table

    def with_columns(self: DuckDBCatalogRepository, table: TableMeta) -> TableMeta:
        known = self.get_table(table.project_id, table.dataset_id, table.table_id)
        if known and table.table_type == "TABLE":
            names = {field.name.lower() for field in known.schema_.fields}
            added = [tables._field_to_rest(field) for field in table.schema_.fields if field.name.lower() not in names]
            place = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
            for name, kind in bq_schema_to_duckdb_columns(added):
                self._engine.execute(f'ALTER TABLE {place} ADD COLUMN IF NOT EXISTS "{name}" {kind}')
        return update_table(self, table)

    DuckDBCatalogRepository.update_table = with_columns
