"""Handlers of the pages that only show: Pipeline, Database, Consolidated."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from airflow.configuration import conf
from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tributary import naming
from tributary.dates import parse_day
from tributary.errors import SchemaDriftError
from tributary.ui import charts
from tributary.ui.database_page import checks, history, newest_day, stage_table
from tributary.ui.facts import dag_of
from tributary.ui.pipeline_page import PAGE_ROWS, Wish, database_rows, pipeline, stale_databases
from tributary.ui.rendering import duration, short_number
from tributary.ui.sources import together
from tributary.ui.timeline import timeline
from tributary.ui.views import draw, readable_dags, services, signed_in

router = APIRouter()
# A page may be asked for all of its rows, but for no more.
_MOST_ROWS = 5000


@router.get("/")
def show_pipeline(
    request: Request,
    text: str = "",
    app: str = "",
    state: str = "",
    sort: str = "state",
    page: int = 1,
    size: int = PAGE_ROWS,
) -> Response:
    """Every database."""
    snapshot = services(request).facts.current()
    wish = Wish(text[:100], app[:100], state[:40], sort[:20], page, min(size, _MOST_ROWS))
    shown = pipeline(snapshot, services(request).sources.now(), wish, readable_dags(signed_in(request), snapshot))
    return draw(
        request,
        "pipeline.html",
        title="Pipeline",
        snapshot=snapshot,
        pipeline=shown,
        calendar_now=services(request).sources.now(),
    )


@router.get("/refresh")
def refresh(request: Request, back: str = "/") -> Response:
    """Read the facts anew and go back to a page of ours."""
    services(request).facts.current(anew=True)
    # One slash and a letter, or nothing: `//host` and `\\host` would lead elsewhere.
    own = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    return RedirectResponse(f"{request.scope['root_path']}{own}", status_code=303)


@router.get("/databases/{name}")
def show_database(request: Request, name: str, day: str = "") -> Response:
    """One database, and one of its days: the newest unless another is asked for."""
    served = services(request)
    snapshot = served.facts.current()
    registry = snapshot.registry
    if registry is None:
        raise HTTPException(503, "The registry could not be read. " + " ".join(snapshot.problems.values()))
    readable = signed_in(request).readable({naming.dag_id(name)})
    rows = database_rows(snapshot, registry, served.sources.now(), readable)
    row = next((row for row in rows if row.name == name and not row.problem), None)
    if row is None:
        raise HTTPException(404, "There is no such database, or its DAG may not be read by you.")
    runs, timings = snapshot.runs.get(name, {}), snapshot.timings.get(dag_of(name), {})
    letters = [letter for letter in snapshot.letters if letter.subject == name]
    chosen = _day(day) or newest_day(runs, timings, {letter.dump_date: letter for letter in letters})
    found, problems = together(_questions(served.sources.warehouse.rows, name, chosen), "ops")
    landed = history(found.get("history", ()))
    return draw(
        request,
        "database.html",
        title=name,
        snapshot=snapshot,
        problems=problems,
        row=row,
        database=registry.databases[name],
        day=chosen,
        run=runs.get(chosen) if chosen else None,
        timeline=timeline(found.get("steps", ()), chosen) if chosen else None,
        stages=stage_table(found.get("stages", ())),
        changed_values=found.get("changed_values", ()),
        checks=checks(found.get("checks", ())),
        dumps=found.get("dumps", ()),
        schema_changes=found.get("schema_changes", ()),
        history=landed,
        rows_chart=charts.line([(day.isoformat(), rows) for day, rows in landed], short_number),
        time_chart=charts.line([(day.isoformat(), timings[day].seconds) for day in sorted(timings)], duration),
        timings=timings,
        letters=letters,
        drift=[letter for letter in letters if letter.reason == SchemaDriftError.__name__],
        dag_id=naming.dag_id(name),
        docs=dbt_docs(),
        calendar_now=served.sources.now(),
    )


@router.get("/consolidated")
def show_consolidated(request: Request) -> Response:
    """What readers of `consolidated` see, and which versions there were."""
    served = services(request)
    snapshot = served.facts.current()
    if not signed_in(request).readable({naming.CONSOLIDATE_DAG}):
        raise HTTPException(404, "There is no such page, or the DAG consolidate may not be read by you.")
    live = snapshot.live
    found, problems = together(
        {"steps": lambda: served.sources.warehouse.rows("ui/steps", dag_id=naming.CONSOLIDATE_DAG)}, "ops"
    )
    shown = pipeline(snapshot, served.sources.now(), Wish(size=1), {naming.CONSOLIDATE_DAG})
    return draw(
        request,
        "consolidated.html",
        title="Consolidated",
        snapshot=snapshot,
        problems=problems,
        live=live,
        consolidated=shown.consolidated,
        stale=stale_databases(live.day, live.as_of) if live else {},
        timeline=timeline(found.get("steps", ()), live.day) if live else None,
        dag_id=naming.CONSOLIDATE_DAG,
        letters=[letter for letter in snapshot.letters if letter.subject == naming.CONSOLIDATE_DAG],
        readable=readable_dags(signed_in(request), snapshot),
        docs=dbt_docs(),
        naming=naming,
    )


def dbt_docs() -> str | None:
    """The path at which Cosmos' plugin shows dbt's documentation; None where it does not."""
    try:
        projects = json.loads(conf.get("cosmos", "dbt_docs_projects", fallback="") or "{}")
    except ValueError:
        return None
    return f"/cosmos/{next(iter(projects))}/dbt_docs_index.html" if projects else None


def _questions(rows: Callable[..., Any], name: str, day: date | None) -> dict[str, Callable[[], Any]]:
    """What one database's page asks BigQuery, by name."""
    ask: dict[str, Callable[[], Any]] = {
        "steps": lambda: rows("ui/steps", dag_id=naming.dag_id(name)),
        "dumps": lambda: rows("ui/dumps", database=name),
        "history": lambda: rows("ui/history", database=name),
        "schema_changes": lambda: rows("ops/schema_changes_now", database=name),
    }
    if day is not None:
        of_day = day.isoformat()
        ask["changed_values"] = lambda: rows("ui/changed_values", database=name, day=of_day)
        ask["stages"] = lambda: rows("ui/stages", database=name, day=of_day)
        ask["checks"] = lambda: rows("ui/checks", database=name, day=of_day)
    return ask


def _day(text: str) -> date | None:
    try:
        return parse_day(text) if text else None
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
