"""`tributary dead-letters`: what failed for good, and the way back from it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from tributary.errors import TributaryError
from tributary.terminal import Format, FormatOption, print_rows, reason, say

app = typer.Typer(no_args_is_help=True, help="Steps that failed for good: list, run again, close.")

_COLUMNS = ("id", "status", "reason", "message", "tries", "last_failed_at", "replay")


IdArgument = Annotated[str, typer.Argument(help="Such as shop_eu/2013-01-02/sync.")]
DatabaseOption = Annotated[str | None, typer.Option("--database", help="Only of this one, or `consolidate`.")]


@app.command("list")
def list_letters(
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    database: DatabaseOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The records that are not closed, the newest failure first."""
    from tributary.dead_letters.record import newest_first

    with _bucket_at_hand():
        store = _store()
        store.deliver()
        letters = newest_first(store.bucket.list(database, closed=every))
    rows = [letter.to_row() for letter in letters]
    if output is Format.table:
        rows = [{name: row[name] for name in _COLUMNS} for row in rows]
    print_rows(rows, output, None if rows else _COLUMNS)


@app.command()
def show(letter_id: IdArgument, output: FormatOption = Format.table) -> None:
    """Everything that is known of one record."""
    with _bucket_at_hand():
        row = _found(_store(), letter_id).to_row()
    rows = [row] if output is not Format.table else [{"": name, "value": value} for name, value in row.items()]
    print_rows(rows, output)


@app.command()
def replay(
    letter_id: Annotated[str | None, typer.Argument(help="Such as shop_eu/2013-01-02/sync.")] = None,
    database: DatabaseOption = None,
    every: Annotated[bool, typer.Option("--all", help="All open records.")] = False,
    begin: Annotated[str | None, typer.Option("--from", help="Begin at this task instead of the failed one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the runs have ended; 0 when all is well.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who asks for it; otherwise the login name.")] = None,
) -> None:
    """Run failed steps again, with all that follows them in their run."""
    from tributary.dead_letters.record import Status
    from tributary.dead_letters.replay import Replay
    from tributary.dead_letters.steps import FailedSteps

    if [bool(letter_id), bool(database), every].count(True) != 1:
        raise typer.BadParameter("expected one of an id, --database or --all")
    with _bucket_at_hand():
        store = _store()
        store.deliver()
        if letter_id:
            letters = [_found(store, letter_id)]
        else:
            letters = [one for one in store.bucket.list(database, closed=False) if one.status is Status.open]
        if not letters:
            say("nothing is open")
            return
        replays = Replay(store, FailedSteps.from_environment(), say, begin, by or getpass.getuser())
        runs, well = replays.start(letters)
        if wait:
            well = replays.wait(runs) and well
    if not well:
        raise typer.Exit(1)


@app.command()
def resolve(
    letter_id: IdArgument,
    why: Annotated[str, typer.Option("--why", help="Why nothing is left to do.")],
    by: Annotated[str | None, typer.Option("--by", help="Who says so; otherwise the login name.")] = None,
) -> None:
    """Close a record by hand."""
    from datetime import UTC, datetime

    kept = reason(why)
    with _bucket_at_hand():
        store = _store()
        _found(store, letter_id)
        now, who = datetime.now(UTC), by or getpass.getuser()
        store.change([letter_id], lambda found: found.resolved(now, who, kept))
    say(f"{letter_id}: resolved")


@app.command()
def sweep(
    days: Annotated[int, typer.Option("--days", min=1, help="How far to look back for failed tasks.")] = 7,
) -> None:
    """Record what no task could tell itself, close what has healed, and bring the copy up to date."""
    from tributary.dead_letters.steps import FailedSteps
    from tributary.dead_letters.sweep import Sweep

    with _bucket_at_hand():
        done = Sweep(_store(), FailedSteps.from_environment()).run(days)
    for what, ids in (("recorded", done.recorded), ("opened again", done.reopened), ("closed", done.closed)):
        for letter_id in ids:
            say(f"{letter_id}: {what}")
    copied = "BigQuery did not take the copy" if done.copied is None else f"{done.copied} copied"
    say(
        f"{done.delivered} delivered from this disk, {len(done.recorded)} recorded, {len(done.reopened)} opened again, "
        f"{len(done.closed)} closed, {copied}"
    )


def _store() -> Any:
    from tributary.dead_letters.store import LetterStore

    return LetterStore.for_people()


def _found(store: Any, letter_id: str) -> Any:
    from tributary.dead_letters.record import COMMAND

    letter = store.bucket.read(letter_id)
    if letter is None:
        raise TributaryError(f"there is no record {letter_id}; `{COMMAND} list --all` shows them")
    return letter


@contextmanager
def _bucket_at_hand() -> Iterator[None]:
    """Tells in one line where the bucket cannot be reached."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    from tributary.dead_letters.spool import Spool

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        spool = Spool.from_environment()
        raise TributaryError(
            f"the bucket of the dead letters cannot be reached ({type(error).__name__}); "
            f"{len(spool.waiting())} records wait in {spool.folder}"
        ) from error
