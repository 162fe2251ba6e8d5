"""How fast the pages are with many databases: `python -m benchmarks.pages [DATABASES] [DAYS]` (1000 and 90).

Fills BigQuery's emulator with simulated databases and days, starts Airflow's API server with the plugin in this
process, and prints tables in Markdown: the queries of one snapshot, what a page takes on the server and weighs, and,
where Chromium is installed, when a browser paints it first. Needs TRIBUTARY_BQEMULATOR as the tests do.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from google.cloud import bigquery, storage

from tests.support.airflow_app import api_server, pages_of, serve_from, token_of
from tests.support.services import ROOT, LocalCloud, free_port, wait_until
from tests.unit.dead_letters.letters_in_memory import make_letter
from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore
from tributary.ledger.store import OpsStore, execute
from tributary.registry import INCLUDE, load_registry
from tributary.ui.refreshing import Facts
from tributary.ui.sources import Sources, Warehouse

REPETITIONS = 20
STEPS = "find_dump preflight import_dump sync reconcile validate_raw transform validate_marts".split()
OPEN_LETTERS = 40
PAGES = {
    "Pipeline, first page of 200": "/",
    "Pipeline, all on one page": "/?size=5000",
    "Pipeline, filtered": "/?text=db_00&sort=-duration",
    "Dead letters": "/dead-letters",
    "Database": "/databases/db_0007",
    "Consolidated": "/consolidated",
}

# Every table as `tributary` fills it, one row for each database, day, and step, rule, stage or table.
_WORLD = """
with world as (
    select
        number,
        day,
        concat('db_', lpad(cast(number as string), 4, '0')) as database,
        concat('elt__db_', lpad(cast(number as string), 4, '0')) as dag_id,
        timestamp_add(timestamp(day), interval 2 hour) as begun,
        concat('scheduled__', cast(day as string), 'T02:00:00+00:00') as run_id
    from unnest(generate_array(0, cast(@databases as int64) - 1)) as number
    cross join unnest(generate_date_array(
        date_sub(cast(@today as date), interval cast(@days as int64) - 1 day), cast(@today as date))) as day
)
"""
_FILL = {
    "ops.runs": """
        insert into ops.runs (database, dump_date, run_id, state, dump_uri, dump_generation, row_count, recorded_at)
        {world}
        select database, day, run_id, if(mod(number + extract(day from day), 41) = 0, 'transforming', 'landed'),
            concat('gs://dumps/', database), 1, 100000 + number * 100 + extract(dayofyear from day) * 50,
            timestamp_add(begun, interval 30 + mod(number * 7 + extract(day from day) * 13, 200) minute)
        from world
        where mod(number * 3 + extract(dayofyear from day), 67) != 0
    """,
    "ops.task_durations_log": """
        insert into ops.task_durations_log (dag_id, database, dump_date, run_id, task_id, step, try_number, state,
            queued_at, started_at, ended_at, duration_seconds, queued_seconds, recorded_at)
        {world}
        select dag_id, database, day, run_id, step, step, 1, 'success',
            timestamp_add(begun, interval at * 100 second), timestamp_add(begun, interval at * 100 + 2 second),
            timestamp_add(begun, interval at * 100 + 90 + mod(number, 9) second), 88.0, 2.0,
            timestamp_add(begun, interval at * 100 + 95 second)
        from world
        cross join unnest(json_value_array(@steps)) as step with offset as at
    """,
    "ops.quality_results": """
        insert into ops.quality_results (run_id, database, dump_date, checked_at, dataset, layer, table_name, rule,
            expectation, origin, status, unexpected_count, element_count)
        {world}
        select run_id, database, day, timestamp_add(begun, interval 25 minute), database, layer, 'orders',
            concat('rule ', cast(rule as string)), 'expect', 'include/gx',
            if(mod(number, 50) = 0 and rule = 1, 'failed', 'passed'), 0, 1000
        from world
        cross join unnest(['raw', 'marts']) as layer
        cross join unnest(generate_array(1, 20)) as rule
    """,
    "ops.ledger_log": """
        insert into ops.ledger_log (database, dump_date, stage, table_name, row_count, run_id, recorded_at)
        {world}
        select database, day, stage, concat('table_', cast(number_of as string)), 1000 + number, run_id, begun
        from world
        cross join unnest(['dump', 'staging', 'raw', 'marts', 'consolidated']) as stage
        cross join unnest(generate_array(1, 7)) as number_of
    """,
}
_PUBLISH = """
    insert into ops.published (version, run_id, day, as_of, tables, row_count, kind, published_at)
    select '20260101T000000000', 'run', cast(@day as date), @as_of, '{"orders": 1}', 1, 'publish', current_timestamp()
"""
# Milliseconds from the start of the navigation.
_PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (paint) done(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""


class Timed(Warehouse):
    """Remembers what each query took."""

    def __init__(self, connect: Callable[[], bigquery.Client]) -> None:
        super().__init__(connect)
        self.taken: dict[str, list[tuple[float, int]]] = {}

    def rows(self, name: str, **parameters: str) -> list[Any]:
        begun = time.perf_counter()
        found = super().rows(name, **parameters)
        self.taken.setdefault(name, []).append((time.perf_counter() - begun, len(found)))
        return found


def registry_of(folder: Path, databases: int) -> Path:
    """A registry file with so many databases beside the shipped contracts."""
    shutil.copytree(INCLUDE / "contracts", folder / "contracts")
    document = yaml.safe_load((INCLUDE / "databases.yaml").read_text())
    apps = ("retail", "flights")
    document["databases"] = {f"db_{number:04}": {"app": apps[number % 2]} for number in range(databases)}
    (folder / "databases.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder


def fill(store: OpsStore, letters: LetterStore, databases: int, days: int) -> int:
    """Make tables and rows; the number of rows."""
    store.create_tables()
    today = datetime.now(UTC).date().isoformat()
    counted = 0
    for table, statement in _FILL.items():
        parameters = {"databases": str(databases), "days": str(days), "today": today}
        if "@steps" in statement:
            parameters["steps"] = json.dumps(STEPS)
        execute(store.client, statement.replace("{world}", _WORLD), **parameters)
        counted += next(iter(execute(store.client, f"select count(*) from {table}")))[0]  # noqa: S608 - names above
    now = datetime.now(UTC)
    records = [
        make_letter(
            subject=f"db_{number:04}", database=f"db_{number:04}", dag_id=f"elt__db_{number:04}", dump_date=now.date()
        )
        for number in range(OPEN_LETTERS)
    ]
    for record in records:
        letters.record(record)
    letters.copy(records)
    as_of = json.dumps({f"db_{number:04}": today for number in range(databases)})
    execute(store.client, _PUBLISH, day=today, as_of=as_of)
    return counted


@contextmanager
def served(app: FastAPI, port: int) -> Iterator[None]:
    """The application on a port, for a browser."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def first_paints(base: str, token: str, paths: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds until a browser shows something of each page; empty without Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    paints: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, path in paths.items():
            for _ in range(5):
                # A new context: nothing is cached.
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                context.add_cookies([{"name": "_token", "value": token, "url": base}])
                opened = context.new_page()
                opened.goto(f"{base}/tributary{path}", wait_until="load")
                paints.setdefault(name, []).append(opened.evaluate(_PAINTED))
                context.close()
        browser.close()
    return paints


def spread(values: list[float], scale: float = 1000) -> str:
    """Median (least to most), in milliseconds."""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median * scale:,.0f} ({low * scale:,.0f} to {high * scale:,.0f})"


def main(databases: int = 1000, days: int = 90) -> None:
    """Fill, ask, print."""
    emulator = Path(os.environ.get("TRIBUTARY_BQEMULATOR", ROOT / ".local/envs/localcloud/bin/bqemulator"))
    folder = Path(tempfile.mkdtemp(prefix="pages-"))
    cloud = LocalCloud(folder / "cloud", python=str(emulator.with_name("python")))
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    (folder / "airflow").mkdir()
    with (
        cloud.running("metadata", "storage", "bigquery"),
        cloud.as_environment(),
        api_server(folder / "airflow", base) as app,
        served(app, port),
    ):
        client = bigquery.Client(location="US")
        store = OpsStore(client, "US")
        letters = LetterStore(LetterBucket(storage.Client(), cloud.bucket), Spool(folder / "spool"), lambda: store)
        rows = fill(store, letters, databases, days)
        include = registry_of(folder / "include", databases)
        warehouse = Timed(lambda: client)
        sources = Sources(warehouse, lambda: letters, lambda token: None, lambda: load_registry(include))  # type: ignore[arg-type, return-value]
        print(f"{databases:,} databases, {days} days, {rows:,} rows in four tables of `ops`.\n")
        report(app, sources, warehouse, base)
    shutil.rmtree(folder)


def report(app: FastAPI, sources: Sources, warehouse: Timed, base: str) -> None:
    """Ask for everything and print what it took."""
    import httpx

    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        snapshot = sources.snapshot(None)
        taken.append(time.perf_counter() - begun)
    assert snapshot.problems == {}, snapshot.problems
    print("| query of a snapshot | rows | n | ms, median (least to most) |\n| --- | --- | --- | --- |")
    for name, times in sorted(warehouse.taken.items()):
        print(f"| `{name}` | {times[-1][1]:,} | {len(times)} | {spread([seconds for seconds, _ in times])} |")
    print(f"| all, with registry and bucket | | {len(taken)} | {spread(taken)} |\n")

    facts = Facts(sources.snapshot)
    facts.current()
    serve_from(pages_of(app), sources, facts)
    token = token_of("anna", "ADMIN")
    painted = first_paints(base, token, PAGES)
    print("| page | n | ms until it is whole | queries | kB of HTML | kB sent | first paint, ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with httpx.Client(base_url=base, cookies={"_token": token}, timeout=60) as http:
        for name, path in PAGES.items():
            http.get(f"/tributary{path}")
            asked = sum(map(len, warehouse.taken.values()))
            times = []
            for _ in range(REPETITIONS):
                begun = time.perf_counter()
                answer = http.get(f"/tributary{path}")
                times.append(time.perf_counter() - begun)
                assert answer.status_code == 200, answer.text
            queries = (sum(map(len, warehouse.taken.values())) - asked) / REPETITIONS
            paint = spread(painted[name], 1) if name in painted else "not measured"
            print(
                f"| {name} | {REPETITIONS} | {spread(times)} | {queries:.0f} | {len(answer.content) / 1000:,.0f} "
                f"| {answer.num_bytes_downloaded / 1000:,.0f} | {paint} |"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
