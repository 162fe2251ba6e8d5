"""Corrections of bqemulator 1.4.0: dbt's enforced contracts and tests do not run on it without, and four for speed.

All are narrow and keep to what BigQuery does; drop one when a newer emulator passes the tests of ``include/dbt``
without it.
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from functools import lru_cache, partial
from types import ModuleType
from typing import Any

import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import ddl_result, routine_ddl
from bqemulator.sql import catalog_schema, translator
from bqemulator.sql.rewriter import create_table_schema_ctas as schema_ctas
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from sqlglot import Dialect, Generator, exp
from sqlglot.expressions import core
from sqlglot.optimizer.qualify import qualify


def apply() -> None:
    """Patch the emulator in this process; call it before the server starts."""
    _accept_parentheses_in_create_table_as()
    _leave_stars_alone()
    _read_column_options()
    _use_generators_again()
    _parse_a_statement_once()
    _type_a_chain_of_concatenations_once()
    _copy_trees_faster()


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


def _use_generators_again() -> None:
    """SQL text comes from a generator made before, not from a new one for each of a query's many rewrites.

    DuckDB's generator has templates as attributes of its class. Compiled, each new one parses them all
    again: 3.5 ms, for 0.2 ms of work. A generator keeps nothing of a statement but a counter of names.
    """
    idle: defaultdict[Any, list[Generator]] = defaultdict(list)

    def generate(self: Dialect, expression: exp.Expr, copy: bool = True, **options: Any) -> str:
        generators = idle[type(self), tuple(sorted(self.settings.items())), tuple(sorted(options.items()))]
        generator = generators.pop() if generators else self.generator(**options)
        try:
            return generator.generate(expression, copy=copy)
        finally:
            generators.append(generator)

    Dialect.generate = generate


def _parse_a_statement_once() -> None:
    """A query was parsed sixteen times: who changes its tree gets a copy of the first one, who only looks gets that."""
    parse_one = sqlglot.parse_one
    tree_of = lru_cache(maxsize=64)(parse_one)

    def copy_of(sql: str, read: Any = None, **options: Any) -> exp.Expr:
        return parse_one(sql, read=read, **options) if options else tree_of(sql, read=read).copy()

    sqlglot.parse_one = copy_of  # type: ignore[assignment]
    to_look_at = ModuleType(sqlglot.__name__)
    vars(to_look_at).update(vars(sqlglot), parse_one=tree_of)
    for module in (catalog_schema, ddl_result, ddl_sync, routine_ddl):
        module.sqlglot = to_look_at  # type: ignore[attr-defined]


def _type_a_chain_of_concatenations_once() -> None:
    """``a || b || c`` gets its type outside, once; at each ``||``, all operands before it were copied."""
    applies_to = ConcatStringTypeRule.applies_to

    def applies_outside(self: ConcatStringTypeRule, node: exp.Expression) -> bool:
        return applies_to(self, node) and not isinstance(node.parent, exp.DPipe)

    ConcatStringTypeRule.applies_to = applies_outside  # type: ignore[method-assign]


def _copy_trees_faster() -> None:
    """Of a tree's copy, which each rewrite of a query makes, 40 % was `deepcopy` of each node's place in the text.

    A place is a dictionary of numbers, for which a plain copy is as good.
    """

    def copied(value: Any) -> Any:
        if type(value) is dict and all(type(one) in (int, bool, str) for one in value.values()):
            return value.copy()
        return deepcopy(value)

    core.deepcopy = copied  # type: ignore[attr-defined]
