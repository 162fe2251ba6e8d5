"""Handlers of the dead letters: list, one record, run it again, close it with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tributary.dead_letters.record import DeadLetter, Status, object_name
from tributary.dead_letters.redaction import shorten, without_secrets
from tributary.dead_letters.replay import Replay
from tributary.errors import TributaryError
from tributary.ui.letters_page import CHOICES, NOT_CLOSED, Wish, can_replay, can_resolve, fields, letters_page
from tributary.ui.rendering import segment
from tributary.ui.views import draw, readable_letters, require_own_form, require_repair, services, signed_in

router = APIRouter(prefix="/dead-letters")

Token = Annotated[str, Form()]
# What a page says after something was done; only these, so that no address puts words into its mouth.
DONE = {
    "replayed": "It runs again, with all that follows it in its run.",
    "healed": "It had succeeded in the meantime; the record is closed.",
    "resolved": "The record is closed.",
}


@router.get("")
def list_letters(request: Request, text: str = "", status: str = NOT_CLOSED, page: int = 1) -> Response:
    """The records, those that are not closed first."""
    snapshot = services(request).facts.current()
    wish = Wish(text[:100], status if status in CHOICES else NOT_CLOSED, page)
    readable = readable_letters(signed_in(request), snapshot.letters)
    return draw(
        request,
        "letters.html",
        title="Dead letters",
        snapshot=snapshot,
        letters=letters_page(snapshot, wish, lambda letter: letter.id in readable),
        choices=CHOICES,
    )


@router.get("/{subject}/{day}/{task}")
def show_letter(request: Request, subject: str, day: str, task: str, done: str = "") -> Response:
    """Everything that is known of one record."""
    return _detail(request, _found(request, subject, day, task), DONE.get(done, ""))


@router.get("/{subject}/{day}/{task}/replay")
def ask_replay(request: Request, subject: str, day: str, task: str) -> Response:
    """Asks whether it is to run again."""
    record = _found(request, subject, day, task)
    require_repair(request, record.dag_id)
    if hindrance := can_replay(record):
        raise HTTPException(409, f"{record.id} cannot be run again from here. {hindrance}")
    return draw(request, "replay.html", title=f"Replay {record.id}", form=True, record=record)


@router.post("/{subject}/{day}/{task}/replay")
def replay(request: Request, subject: str, day: str, task: str, form_token: Token = "") -> Response:
    """Run it again, through Airflow's API and as the user who asks."""
    require_own_form(request, form_token)
    record = _found(request, subject, day, task)
    require_repair(request, record.dag_id)
    if record.status is Status.replaying:
        return _back(request, record, "replayed")  # a second click
    if hindrance := can_replay(record):
        raise HTTPException(409, f"{record.id} cannot be run again from here. {hindrance}")
    user = signed_in(request)
    said: list[str] = []
    with _reachable():
        store = services(request).sources.letters()
        airflow = services(request).sources.airflow(user.token)
        started, well = Replay(store, airflow, said.append, by=user.name).start([record])
        after = store.bucket.read(record.id)
    if after is not None:
        services(request).facts.remember([after])
    if not well:
        raise HTTPException(409, " ".join(said))
    return _back(request, record, "replayed" if started else "healed")


@router.get("/{subject}/{day}/{task}/resolve")
def ask_resolve(request: Request, subject: str, day: str, task: str) -> Response:
    """Asks why nothing is left to do."""
    record = _found(request, subject, day, task)
    require_repair(request, record.dag_id)
    if not can_resolve(record):
        raise HTTPException(409, f"{record.id} is closed already.")
    return draw(request, "resolve.html", title=f"Resolve {record.id}", form=True, record=record, complaint="")


@router.post("/{subject}/{day}/{task}/resolve")
def resolve(
    request: Request, subject: str, day: str, task: str, form_token: Token = "", why: Annotated[str, Form()] = ""
) -> Response:
    """Close it, with the reason and who gave it."""
    require_own_form(request, form_token)
    record = _found(request, subject, day, task)
    require_repair(request, record.dag_id)
    kept = shorten(without_secrets(why))
    if not kept:
        complaint = "A reason is needed: who reads the record later has nothing else."
        return draw(
            request, "resolve.html", title=f"Resolve {record.id}", status_code=400, form=True, record=record,
            complaint=complaint,
        )  # fmt: skip
    now, who = datetime.now(UTC), signed_in(request).name

    def closed(found: DeadLetter) -> DeadLetter:
        return found if found.closed else found.resolved(now, who, kept)

    with _reachable():
        changed = services(request).sources.letters().change([record.id], closed)
    services(request).facts.remember(changed)
    return _back(request, record, "resolved")


def _found(request: Request, subject: str, day: str, task: str) -> DeadLetter:
    """The record as it is in the bucket. Raises HTTPException 404 where the user may not read it, or it is not."""
    letter_id = f"{subject}/{day}/{task}"
    try:
        object_name(letter_id)
    except TributaryError as error:
        raise HTTPException(404, str(error)) from None
    with _reachable():
        record = services(request).sources.letters().bucket.read(letter_id)
    if record is None or not readable_letters(signed_in(request), [record]):
        raise HTTPException(404, f"There is no record {letter_id}, or its DAG may not be read by you.")
    return record


def _detail(request: Request, record: DeadLetter, done: str) -> Response:
    repair = signed_in(request).may_repair(record.dag_id)
    return draw(
        request,
        "letter.html",
        title=record.id,
        record=record,
        fields=fields(record),
        done=done,
        repair=repair,
        hindrance=can_replay(record),
        resolvable=can_resolve(record),
    )


def _back(request: Request, record: DeadLetter, done: str) -> Response:
    path = "/".join(map(segment, record.id.split("/")))
    return RedirectResponse(f"{request.scope['root_path']}/dead-letters/{path}?done={done}", status_code=303)


@contextmanager
def _reachable() -> Iterator[None]:
    """Errors of the bucket in words; what Airflow says passes through, as TributaryError."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        raise HTTPException(
            503,
            f"The bucket of the dead letters cannot be reached now ({type(error).__name__}); try again in a minute.",
        ) from error
