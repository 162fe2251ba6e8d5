"""What makes the BigQuery emulator faster leaves its answers as they were; without starting it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace
from typing import Annotated, Any
from unittest.mock import MagicMock

import duckdb
import httpx
import pytest
import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.models import JobMeta
from bqemulator.config import PersistenceMode, Settings
from bqemulator.jobs import ddl_result, executor, routine_ddl
from bqemulator.sql import catalog_schema, translator
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from bqemulator.storage.engine import DuckDBEngine
from fastapi import Depends, FastAPI, Request
from fastapi.dependencies import utils
from pydantic_core import PydanticSerializationError
from sqlglot import Dialect, Generator, exp, parse_one
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError
from sqlglot.expressions import core

from localcloud import bqemulator_speed

QUERY = "select a, count(*) as n from t where b = 'x' group by a"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Generator]:
    """The correction, and the generators that were made since."""
    generators: list[Generator] = []
    monkeypatch.setattr(Dialect, "generate", Dialect.generate)
    make = Dialect.generator
    monkeypatch.setattr(
        Dialect, "generator", lambda self, **options: generators.append(make(self, **options)) or generators[-1]
    )
    bqemulator_speed._use_generators_again()
    return generators


def test_a_generator_is_used_again_and_writes_the_same(made: list[Generator]):
    texts = {parse_one(QUERY, read="bigquery").sql("duckdb") for _ in range(3)}
    assert len(made) == 1
    assert texts == {"SELECT a, COUNT(*) AS n FROM t WHERE b = 'x' GROUP BY a"}


def test_another_dialect_or_option_has_a_generator_of_its_own(made: list[Generator]):
    tree = parse_one(QUERY, read="bigquery")
    assert "count(*)" in tree.sql("bigquery")
    assert "COUNT(*)" in tree.sql("duckdb")
    assert "\n" in tree.sql("duckdb", pretty=True)
    assert "\n" not in tree.sql("duckdb")
    assert len(made) == 3


def test_a_generator_is_free_again_after_an_error(made: list[Generator]):
    tree = parse_one("select array_agg(a respect nulls) from t", read="bigquery")
    for _ in range(2):
        with pytest.raises(UnsupportedError):
            tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
    assert len(made) == 1


@pytest.fixture
def without_copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The correction, and what the parser copied since."""
    copied: list[object] = []
    monkeypatch.setattr(Dialect, "parse", Dialect.parse)
    monkeypatch.setattr(core, "deepcopy", lambda value: copied.append(value) or deepcopy(value))
    bqemulator_speed._parse_without_copies()
    yield copied
    Dialect.get_or_raise("bigquery").parser_class.SUPPORTS_IMPLICIT_UNNEST = True


PATHS = [
    "select a from (select a from (select a from d.t where b) as x) as y",
    "select a, i from d.t, t.items as i",
    "select a, i from d.t as x cross join x.items as i",
    "select a from (select a from d.t, t.items) as y join p.d.u on y.a = u.a",
    "select a from t join u using (a), (select 1) as v",
]


@pytest.mark.parametrize("sql", PATHS)
def test_a_statement_s_tree_is_as_the_parser_makes_it(sql: str, request: pytest.FixtureRequest):
    expected = parse_one(sql, read="bigquery")
    request.getfixturevalue("without_copies")
    assert repr(parse_one(sql, read="bigquery")) == repr(expected)


def test_nested_subqueries_are_parsed_without_copies(without_copies: list[object]):
    parse_one(PATHS[0], read="bigquery")
    assert without_copies == []
    parse_one(PATHS[1], read="bigquery")
    assert without_copies != []


def parse_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The correction, taken back after the test."""
    for module in (catalog_schema, ddl_result, ddl_sync, routine_ddl, translator):
        monkeypatch.setattr(module, "sqlglot", sqlglot)
    for name in ("_parse_for_classification", "_capture_dml_snapshots"):
        monkeypatch.setattr(executor, name, getattr(executor, name))
    bqemulator_speed._parse_a_statement_once()


def test_a_statement_is_parsed_once_and_nobody_s_tree_is_another_s(monkeypatch: pytest.MonkeyPatch):
    parsed: list[str] = []
    parse = sqlglot.parse_one
    monkeypatch.setattr(sqlglot, "parse_one", lambda sql, **options: parsed.append(sql) or parse(sql, **options))
    parse_once(monkeypatch)
    first, second = (sqlglot.parse_one(QUERY, read="bigquery") for _ in range(2))
    assert first == second == parse(QUERY, read="bigquery")
    first.find(sqlglot.exp.Table).this.set("this", "u")
    assert first != second
    assert second == sqlglot.parse_one(QUERY, read="bigquery")
    assert sqlglot.parse_one("a::int64", read="duckdb").sql("bigquery") == "CAST(a AS INT64)"
    shared = ddl_sync.sqlglot.parse_one(QUERY, read="bigquery")
    assert shared is catalog_schema.sqlglot.parse_one(QUERY, read="bigquery")
    assert shared == second
    assert executor._parse_for_classification(QUERY) is shared
    assert executor.classify_statement_type(QUERY) == "SELECT"
    translated = translator.sqlglot.transpile(QUERY, read="bigquery", write="duckdb", pretty=False)
    assert translated == ["SELECT a, COUNT(*) AS n FROM t WHERE b = 'x' GROUP BY a"]
    assert shared == second
    changing = "select safe_divide(a, b), date_diff(a, b, week) from t"  # its translation changes the tree
    translator.sqlglot.transpile(changing, read="bigquery", write="duckdb")
    assert sqlglot.parse_one(changing, read="bigquery") == parse(changing, read="bigquery")
    commented = "select 1 as a; -- done"
    assert translator.sqlglot.transpile(commented, read="bigquery", write="duckdb")[0] == "SELECT 1 AS a"
    assert [parsed.count(sql) for sql in (QUERY, "a::int64")] == [1, 1]
    assert executor.classify_statement_type("select from from") == ""
    for _ in range(2):
        with pytest.raises(ParseError):
            sqlglot.parse_one("select from from", read="bigquery")


def test_a_chain_of_concatenations_gets_its_type_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ConcatStringTypeRule, "applies_to", ConcatStringTypeRule.applies_to)
    rule, tree = ConcatStringTypeRule(), parse_one("select a || b || c || d, (e || f) || 'x'", read="duckdb")
    assert [node.sql() for node in tree.find_all(exp.DPipe) if rule.applies_to(node)] != ["a || b || c || d"]
    bqemulator_speed._type_a_chain_of_concatenations_once()
    typed = {node.sql() for node in tree.find_all(exp.DPipe) if rule.applies_to(node)}
    assert typed == {"a || b || c || d", "(e || f) || 'x'", "e || f"}


def test_a_tree_s_copy_is_as_before_and_shares_nothing(monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    tree = parse_one(QUERY, read="bigquery")
    tree.find(exp.Table).comments = ["of a table"]
    tree.meta["of another kind"] = [1]
    before = [(type(node), dict(node.meta)) for node in tree.copy().walk()]
    for module in (core, bqemulator_speed):
        monkeypatch.setattr(module, "deepcopy", lambda value: asked.append(value) or deepcopy(value))
    bqemulator_speed._copy_trees_faster()
    copied = tree.copy()
    assert copied == tree
    assert [(type(node), dict(node.meta)) for node in copied.walk()] == before
    for one, other in zip(tree.walk(), copied.walk(), strict=True):
        assert one is not other
        assert not one.meta or one.meta is not other.meta
    copied.meta["of another kind"].append(2)
    assert tree.meta["of another kind"] == [1]
    plain = [node.meta for node in tree.walk() if "line" in node.meta]
    assert plain
    plain += [node.comments for node in tree.walk() if node.comments is not None]
    assert ["of a table"] in plain
    assert not [value for value in plain if value in asked]
    table = copied.find(exp.Table)
    table.comments.append("another")
    assert tree.find(exp.Table).comments == ["of a table"]


async def changes(sql: str) -> list[tuple[str, str, str]]:
    """The tables that the emulator takes for changed by a statement."""
    changed: list[tuple[str, str, str]] = []
    catalog = SimpleNamespace(get_table=lambda *_: SimpleNamespace(table_type="TABLE"))
    snapshots = SimpleNamespace(record_change=lambda *table: changed.append(table))
    engine = SimpleNamespace(write_lock=contextlib.nullcontext)
    context = SimpleNamespace(catalog=catalog, snapshots=snapshots, engine=engine)
    await executor._capture_dml_snapshots("p", sql, context)
    return changed


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("insert into d.t (a) values (1)", [("p", "d", "t")]),
        ("select a from d.t", []),
        ("select from from", []),
    ],
)
def test_only_a_statement_that_changes_a_table_is_looked_through_for_it(
    monkeypatch: pytest.MonkeyPatch, sql: str, changed: list[tuple[str, str, str]]
):
    monkeypatch.setattr(sqlglot, "parse_one", sqlglot.parse_one)
    parse_once(monkeypatch)
    assert asyncio.run(changes(sql)) == changed


def job(number: int, state: str = "DONE") -> JobMeta:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return JobMeta(
        project_id="p", job_id=f"j{number}", job_type="QUERY", state=state, configuration={"labels": {"step": "sync"}},
        creation_time=made, start_time=made, end_time=made, etag="e",
    )  # fmt: skip


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The correction."""
    monkeypatch.setattr(DuckDBCatalogRepository, "_write_job", DuckDBCatalogRepository._write_job)
    monkeypatch.setattr(DuckDBCatalogRepository, "delete_job", DuckDBCatalogRepository.delete_job)
    monkeypatch.setattr(DuckDBEngine, "stop", DuckDBEngine.stop)
    monkeypatch.setattr(bqemulator_speed, "JOBS_WRITTEN_SECONDS", 0.1)
    bqemulator_speed._write_jobs_together()


def written(catalog: DuckDBCatalogRepository) -> dict[str, str]:
    """The states of the jobs in the file."""
    with catalog._engine.connection.cursor() as cursor:
        return dict(cursor.execute('select job_id, state from "_bqemulator_catalog".jobs').fetchall())


@contextlib.asynccontextmanager
async def catalog_in(folder: Path) -> AsyncIterator[DuckDBCatalogRepository]:
    engine = DuckDBEngine(Settings(persistence_mode=PersistenceMode.PERSISTENT, data_dir=folder))
    # What the emulator's own start needs beside: extensions and functions.
    engine._connection, engine._started = duckdb.connect(str(folder / "data.duckdb")), True
    engine._ensure_catalog_schema()
    catalog = DuckDBCatalogRepository(engine)
    catalog.ensure_ready()
    try:
        yield catalog
    finally:
        await engine.stop()


@pytest.mark.usefixtures("together")
def test_jobs_are_looked_up_at_once_and_written_together(tmp_path: Path):
    async def first() -> None:
        async with catalog_in(tmp_path) as catalog:
            for number in range(3):
                catalog.upsert_job(job(number, "RUNNING"))
            catalog.upsert_job(job(0))
            assert [one.state for one in catalog.list_jobs("p")].count("RUNNING") == 2
            await asyncio.sleep(0)
            assert written(catalog) == {}
            await asyncio.sleep(0.3)
            assert written(catalog) == {"j0": "DONE", "j1": "RUNNING", "j2": "RUNNING"}
            catalog.upsert_job(job(3))  # written when the emulator stops

    async def again() -> dict[str, JobMeta]:
        async with catalog_in(tmp_path) as catalog:
            return {one.job_id: one for one in catalog.list_jobs("p")}

    asyncio.run(first())
    found = asyncio.run(again())
    assert sorted(found) == ["j0", "j1", "j2", "j3"]
    assert found["j0"] == job(0)


@pytest.mark.usefixtures("together")
def test_a_job_that_is_there_is_replaced_with_new_ones_beside_it(tmp_path: Path):
    async def run() -> None:
        async with catalog_in(tmp_path) as catalog:
            catalog.upsert_job(job(0, "RUNNING"))
            await asyncio.sleep(0.3)
            catalog.upsert_job(job(0))
            catalog.upsert_job(job(1))
            await asyncio.sleep(0.3)
            assert written(catalog) == {"j0": "DONE", "j1": "DONE"}

    asyncio.run(run())


@pytest.mark.usefixtures("together")
def test_a_deleted_job_does_not_come_back(tmp_path: Path):
    async def run() -> None:
        async with catalog_in(tmp_path) as catalog:
            catalog.upsert_job(job(0))
            catalog.delete_job("p", "j0")
            await asyncio.sleep(0.3)
            assert written(catalog) == {}

    asyncio.run(run())


@pytest.mark.usefixtures("together")
def test_jobs_are_written_beside_what_others_read_or_have_failed_at(tmp_path: Path):
    async def run() -> None:
        async with catalog_in(tmp_path) as catalog:
            reading = catalog._engine.execute("select * from range(3)")
            catalog.upsert_job(job(0))
            await asyncio.sleep(0.3)
            assert len(reading.fetchall()) == 3
            catalog._engine.execute("begin")
            with pytest.raises(duckdb.Error):
                catalog._engine.execute("select error('no')").fetchall()
            catalog.upsert_job(job(1))
            await asyncio.sleep(0.3)
            catalog._engine.execute("rollback")
            assert sorted(written(catalog)) == ["j0", "j1"]

    asyncio.run(run())


@pytest.mark.usefixtures("together")
def test_a_job_that_cannot_be_written_fails_its_own_request(tmp_path: Path):
    async def run() -> None:
        async with catalog_in(tmp_path) as catalog:
            broken = job(0).model_copy(update={"configuration": {"query": {"query": "\ud800"}}})
            with pytest.raises(PydanticSerializationError):
                catalog.upsert_job(broken)
            catalog.upsert_job(job(1))
            await asyncio.sleep(0.3)
            assert written(catalog) == {"j1": "DONE"}

    asyncio.run(run())


def test_the_emulator_answers_without_middleware_but_reads_gzip(monkeypatch: pytest.MonkeyPatch):
    from bqemulator.api import app

    for name in ("MetricsMiddleware", "AccessLogMiddleware", "CorrelationIdMiddleware"):
        monkeypatch.setattr(app, name, getattr(app, name))
    bqemulator_speed._answer_without_middleware()
    context = MagicMock()
    context.settings.admin_enabled = context.settings.metrics_enabled = False
    emulator = app.create_app(context)

    @emulator.post("/echo")
    async def echo(request: Request) -> Any:
        return await request.json()

    body = gzip.compress(b'{"a": 1}')

    async def answered() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator), base_url="http://emulator") as client:
            return await client.post("/echo", content=body, headers={"content-encoding": "gzip"})

    answer = asyncio.run(answered())
    assert answer.json() == {"a": 1}
    assert "x-correlation-id" not in answer.headers
    assert context.metrics.rest_requests_total.mock_calls == []


def own_thread() -> int:
    return get_ident()


def test_dependencies_are_looked_up_in_the_server_s_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(utils, "run_in_threadpool", utils.run_in_threadpool)
    bqemulator_speed._call_dependencies_in_place()
    emulator = FastAPI()

    @emulator.get("/thread")
    async def asked(thread: Annotated[int, Depends(own_thread)]) -> list[int]:
        return [thread, get_ident()]

    async def answered() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator), base_url="http://emulator") as client:
            return await client.get("/thread")

    depended, own = asyncio.run(answered()).json()
    assert depended == own


def test_garbage_is_looked_for_after_many_objects_and_not_among_imports():
    before = gc.get_threshold()
    try:
        bqemulator_speed._collect_garbage_less_often()
        assert gc.get_threshold()[0] >= 10 * before[0]
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
