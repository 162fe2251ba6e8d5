"""Handlers of the data dictionary: the pages that `tributary docs` writes, as far as the user may know of the data."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from tributary import naming
from tributary.dictionary.model import Dictionary
from tributary.dictionary.pages import page, values
from tributary.dictionary.search import search_index
from tributary.ui.page_routes import dbt_docs
from tributary.ui.views import PREFIX, draw, services, signed_in

router = APIRouter(prefix="/data")
INDEX = "search-index.js"


@router.get(f"/{INDEX}")
def show_index(request: Request) -> Response:
    """What the search box looks through."""
    return Response(search_index(_shown(request)), media_type="text/javascript")


@router.get("")
@router.get("/{address:path}")
def show_page(request: Request, address: str = "") -> Response:
    """One page of the dictionary."""
    dictionary = _shown(request)
    found = page(dictionary, address)
    if found is None:
        raise HTTPException(404, "There is no such page, or what it tells of may not be read by you.")
    base = request.scope["root_path"]
    root, docs = f"{base}/data/", dbt_docs()

    def href(address: str, place: str = "") -> str:
        return f"{root}{address}{f'#{place}' if place else ''}"

    return draw(
        request,
        found.template,
        **values(found, dictionary, href, lambda name: f"{base}/databases/{name}"),
        layout="dictionary/airflow.html",
        root=root,
        suffix="",
        index=f"{root}{INDEX}",
        dbt_docs=f"{base.removesuffix(PREFIX)}{docs}" if docs else None,
    )


def _shown(request: Request) -> Dictionary:
    """The dictionary of the databases whose DAGs the user may read; of `consolidated` if its DAG is among them."""
    dictionary = services(request).shelf.current()
    dags = {naming.dag_id(database.name): database.name for database in dictionary.databases}
    readable = signed_in(request).readable({naming.CONSOLIDATE_DAG, *dags})
    return dictionary.shown_to(
        {name for dag, name in dags.items() if dag in readable}, naming.CONSOLIDATE_DAG in readable
    )
