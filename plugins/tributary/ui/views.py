"""What all handlers share: who asks, the form's token, and drawing a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.configuration import conf
from fastapi import HTTPException, Request
from jinja2 import Environment
from starlette.responses import HTMLResponse

from tributary import naming
from tributary.dbt_artifacts import MANIFEST
from tributary.dictionary.shelf import Shelf
from tributary.ui.facts import Snapshot
from tributary.ui.login import STATE, SignedIn
from tributary.ui.refreshing import Facts
from tributary.ui.security import COOKIE, FormTokens, is_same_origin, new_browser
from tributary.ui.sources import Sources

PREFIX = "/tributary"


@dataclass(frozen=True)
class Services:
    """What the handlers work with."""

    sources: Sources
    facts: Facts
    templates: Environment

    @cached_property
    def shelf(self) -> Shelf:
        """Where the data dictionary is kept."""
        return Shelf(self.sources.registry, MANIFEST)


def services(request: Request) -> Services:
    """Those of the application."""
    found: Services = request.app.state.services
    return found


def signed_in(request: Request) -> SignedIn:
    """Who asks. An AttributeError, and so an error 500, where no login stood in front."""
    user: SignedIn = getattr(request.state, STATE)
    return user


def readable_dags(user: SignedIn, snapshot: Snapshot) -> set[str]:
    """The DAGs of the registry that the user may read."""
    names = snapshot.registry.databases if snapshot.registry else ()
    return user.readable({naming.CONSOLIDATE_DAG, *map(naming.dag_id, names)})


class OfDag(Protocol):
    """A record of a DAG, in full or as lists show it."""

    @property
    def id(self) -> str: ...

    @property
    def dag_id(self) -> str | None: ...


def readable_letters(user: SignedIn, letters: Sequence[OfDag]) -> set[str]:
    """The ids of the records that the user may read. One about a file is for those who may read any DAG of ours."""
    dags = user.readable({letter.dag_id for letter in letters if letter.dag_id} | {naming.CONSOLIDATE_DAG})
    return {letter.id for letter in letters if (letter.dag_id or naming.CONSOLIDATE_DAG) in dags}


def require_own_form(request: Request, form_token: str) -> None:
    """Raises HTTPException 403 unless the form came from these pages, from this user and this browser."""
    own = (str(request.url), conf.get("api", "base_url", fallback=""))
    good = is_same_origin(request.headers, *own) and _tokens().is_good(
        form_token, signed_in(request).id, request.cookies.get(COOKIE)
    )
    if not good:
        raise HTTPException(403, "The form did not come from this page, or is too old. Load the page again.")


def require_repair(request: Request, dag_id: str | None) -> None:
    """Raises HTTPException 403 unless the user may have steps of the DAG run again."""
    if not signed_in(request).may_repair(dag_id):
        raise HTTPException(403, "You may read this record, but not change the runs of its DAG.")


def draw(
    request: Request,
    template: str,
    *,
    title: str,
    status_code: int = 200,
    snapshot: Snapshot | None = None,
    problems: Mapping[str, str] | None = None,
    form: bool = False,
    **values: Any,
) -> HTMLResponse:
    """Draw a page.

    :param snapshot: the facts that it is made of, for the line that says how old they are.
    :param problems: what else could not be read.
    :param form: whether it has a form that changes something.
    """
    user = signed_in(request)
    base = request.scope["root_path"]
    browser = request.cookies.get(COOKIE) or new_browser()
    html = (
        services(request)
        .templates.get_template(template)
        .render(
            title=title,
            base=base,
            airflow=base.removesuffix(PREFIX),
            here=f"{request.url.path.removeprefix(base)}{'?' if request.url.query else ''}{request.url.query}",
            user=user,
            now=datetime.now(UTC),
            snapshot=snapshot,
            problems={**(snapshot.problems if snapshot else {}), **(problems or {})},
            form_token=_tokens().issue(user.id, browser) if form else "",
            **values,
        )
    )
    response = HTMLResponse(html, status_code=status_code)
    if form:
        secure = request.url.scheme == "https" or bool(conf.get("api", "ssl_cert", fallback=""))
        response.set_cookie(COOKIE, browser, path=base or "/", httponly=True, secure=secure, samesite="strict")
    return response


def _tokens() -> FormTokens:
    return FormTokens(get_signing_key("api", "secret_key"))
