"""bqemulator 1.4.0, faster: it runs all queries in one thread, and its own work on a query outweighs DuckDB's.

Each function says what it leaves out. Answers stay the same; drop one when a newer emulator has no need of it.
"""

from __future__ import annotations

import asyncio
import gc
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from threading import Lock
from types import ModuleType
from typing import Any

import sqlglot
from bqemulator.api import app
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.models import JobMeta
from bqemulator.jobs import ddl_result, executor, routine_ddl
from bqemulator.sql import catalog_schema, translator
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from bqemulator.storage.engine import CATALOG_SCHEMA, DuckDBEngine
from duckdb import ConstraintException
from fastapi.dependencies import utils
from sqlglot import Dialect, Generator, exp
from sqlglot.expressions import core
from starlette.types import ASGIApp, Receive, Scope, Send

# What the emulator may forget of its jobs when it is killed.
JOBS_WRITTEN_SECONDS = 0.5


def apply() -> None:
    """Patch the emulator in this process; call it before the server starts."""
    _use_generators_again()
    _parse_without_copies()
    _parse_a_statement_once()
    _type_a_chain_of_concatenations_once()
    _copy_trees_faster()
    _answer_without_middleware()
    _call_dependencies_in_place()
    _write_jobs_together()
    _collect_garbage_less_often()


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


def _parse_without_copies() -> None:
    """Around each subquery, what stands behind its FROM was copied for its name, which nested ones made dear.

    The name is only needed where an array of an earlier table is joined, ``from t, t.items``: there, as before.
    """
    parse = Dialect.parse
    bigquery = Dialect.get_or_raise("bigquery").parser_class
    bigquery.SUPPORTS_IMPLICIT_UNNEST = False
    one_at_a_time = Lock()

    def parse_twice_at_most(self: Dialect, sql: str, **options: Any) -> list[exp.Expr | None]:
        trees = parse(self, sql, **options)
        if self.parser_class is not bigquery or not any(map(_joins_a_path, trees)):
            return trees
        with one_at_a_time:
            bigquery.SUPPORTS_IMPLICIT_UNNEST = True
            try:
                return parse(self, sql, **options)
            finally:
                bigquery.SUPPORTS_IMPLICIT_UNNEST = False

    Dialect.parse = parse_twice_at_most  # type: ignore[method-assign]


def _joins_a_path(tree: exp.Expr | None) -> bool:
    """Whether something with a dot is joined under no condition: a table of a dataset, or an array of a table."""
    return tree is not None and any(
        isinstance(join.this, exp.Table) and len(join.this.parts) > 1 and not join.args.get("on")
        for join in tree.find_all(exp.Join)
    )


def _parse_a_statement_once() -> None:
    """A query was parsed for each rewrite: who changes its tree gets a copy of the first, who only looks gets that."""
    parse_one = sqlglot.parse_one
    tree_of = lru_cache(maxsize=64)(parse_one)

    def copy_of(sql: str, read: Any = None, **options: Any) -> exp.Expr:
        return parse_one(sql, read=read, **options) if options else tree_of(sql, read=read).copy()

    sqlglot.parse_one = copy_of  # type: ignore[assignment]
    to_look_at = ModuleType(sqlglot.__name__)
    vars(to_look_at).update(vars(sqlglot), parse_one=tree_of)
    for module in (catalog_schema, ddl_result, ddl_sync, routine_ddl):
        module.sqlglot = to_look_at  # type: ignore[attr-defined]

    def transpile(sql: str, read: Any = None, write: Any = None, **options: Any) -> list[str]:
        tree = tree_of(sql, read=read)
        if isinstance(tree, exp.Block):  # the statement, and a comment behind its semicolon
            return sqlglot.transpile(sql, read=read, write=write, **options)
        return [Dialect.get_or_raise(write).generate(tree, copy=True, **options)]

    to_translate = ModuleType(sqlglot.__name__)
    vars(to_translate).update(vars(sqlglot), transpile=transpile)
    translator.sqlglot = to_translate  # type: ignore[attr-defined]

    def looked_at(sql: str) -> exp.Expr | None:
        try:
            return tree_of(sql, read="bigquery")
        except Exception:  # noqa: BLE001 - as the original: who runs the statement says what is wrong with it
            return None

    executor._parse_for_classification = looked_at
    capture = executor._capture_dml_snapshots

    async def capture_changes(project_id: str, sql: str, context: Any) -> None:
        if (tree := looked_at(sql)) is not None and executor._is_dml(tree):
            await capture(project_id, sql, context)

    executor._capture_dml_snapshots = capture_changes


def _type_a_chain_of_concatenations_once() -> None:
    """``a || b || c`` gets its type outside, once; at each ``||``, all operands before it were copied."""
    applies_to = ConcatStringTypeRule.applies_to

    def applies_outside(self: ConcatStringTypeRule, node: exp.Expression) -> bool:
        return applies_to(self, node) and not isinstance(node.parent, exp.DPipe)

    ConcatStringTypeRule.applies_to = applies_outside  # type: ignore[method-assign]


def _copy_trees_faster() -> None:
    """Of a tree's copy, which each rewrite of a query makes, 40 % was `deepcopy` of each node's place in the text.

    A place is a dictionary of numbers and a name, and comments are a list of texts, mostly none: for both a plain copy
    is as good.
    """

    def copied(value: Any) -> Any:
        if type(value) is list or (type(value) is dict and value.keys() <= place):
            return value.copy()
        return deepcopy(value)

    place = {"line", "col", "start", "end", "name"}
    core.deepcopy = copied  # type: ignore[attr-defined]


def _answer_without_middleware() -> None:
    """No metrics, access log (which the log level hides anyway) and correlation ids."""

    class Nothing:
        def __init__(self, app: ASGIApp, **options: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    for name in ("MetricsMiddleware", "AccessLogMiddleware", "CorrelationIdMiddleware"):
        setattr(app, name, Nothing)


def _call_dependencies_in_place() -> None:
    """What an endpoint depends on, the emulator's context, is an attribute: no thread is waited for to look it up."""

    async def in_place(function: Callable[..., Any], *values: Any, **named: Any) -> Any:
        return function(*values, **named)

    utils.run_in_threadpool = in_place


def _write_jobs_together() -> None:
    """Jobs, which are looked up in memory, come to the file in one statement for all of half a second.

    One statement each was a tenth of the emulator's CPU. Most are new; replacing looks through all that are there.
    """
    columns = ("project_id", "job_id", "job_type", "state", "metadata_json")
    columns += ("creation_time", "start_time", "end_time", "etag")
    into = f'into "{CATALOG_SCHEMA}".jobs ({", ".join(columns)}) values '
    insert, replace = (f"{verb} {into}" for verb in ("insert", "insert or replace"))
    waiting: dict[DuckDBEngine, dict[tuple[str, str], list[Any]]] = {}
    delete, stop = DuckDBCatalogRepository.delete_job, DuckDBEngine.stop

    def write(engine: DuckDBEngine) -> None:
        jobs = waiting.pop(engine, {}).values()
        if jobs:
            rows = ", ".join([f"({', '.join('?' * len(columns))})"] * len(jobs))
            values = [value for job in jobs for value in job]
            # Not the emulator's own cursor: some of its routes read from that in other threads.
            with engine.connection.cursor() as cursor:
                try:
                    cursor.execute(insert + rows, values)
                except ConstraintException:  # one of them is there
                    cursor.execute(replace + rows, values)

    def write_later(self: DuckDBCatalogRepository, job: JobMeta) -> None:
        written = {**vars(job), "metadata_json": job.model_dump_json(by_alias=True)}
        if self._engine not in waiting:
            waiting[self._engine] = {}
            asyncio.get_running_loop().call_later(JOBS_WRITTEN_SECONDS, write, self._engine)
        waiting[self._engine][job.project_id, job.job_id] = [written[column] for column in columns]

    def delete_written(self: DuckDBCatalogRepository, *job: str, **options: Any) -> None:
        write(self._engine)
        delete(self, *job, **options)

    async def stop_when_written(self: DuckDBEngine) -> None:
        try:
            write(self)
        finally:
            await stop(self)

    DuckDBCatalogRepository._write_job = write_later  # type: ignore[method-assign]
    DuckDBCatalogRepository.delete_job = delete_written  # type: ignore[method-assign]
    DuckDBEngine.stop = stop_when_written  # type: ignore[method-assign]


def _collect_garbage_less_often() -> None:
    """Python looked for garbage among everything that the process keeps, again and again: a sixth of its CPU.

    The trees of a query's rewrites are many small objects. What is imported is never looked at again, and the rest
    after fifty thousand new objects; what has survived that, after five million.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 5)
