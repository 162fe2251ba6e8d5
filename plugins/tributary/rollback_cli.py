"""`tributary rollback`: back to what was published before."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tributary.errors import TributaryError
from tributary.terminal import Format, FormatOption, print_rows, reason, say, store_for_people

if TYPE_CHECKING:
    from tributary.rollback import Rollback
    from tributary.versions import Publication


def rollback(
    show: Annotated[bool, typer.Option("--list", help="Only show the versions that are kept.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="The version; otherwise the one before the live one.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="Why; it is recorded.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who does it; otherwise the login name.")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Let no run publish anew until --release.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Only end a hold.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """Make `consolidated` a version that was published before; the next run of consolidate publishes anew.

    All tables change in one transaction. Columns that the version lacks become null, tables that it lacks become
    empty. With --hold, `publish` refuses until `tributary rollback --release`.
    """
    if show + release > 1 or ((show or release) and (to or hold)):
        raise typer.BadParameter("expected --list, or --release, or a rollback with --to and --hold")
    with bigquery_at_hand():
        if show:
            _list(output)
        elif release:
            _release(by or getpass.getuser())
        else:
            _roll_back(to, reason(why), by or getpass.getuser(), hold=hold, yes=yes)


def _list(output: Format) -> None:
    from tributary import versions
    from tributary.holds import current_hold
    from tributary.rollback import restorable

    store = store_for_people()
    seen = versions.published(store)
    rows = [_row(one, live=one.version == seen[0].version) for one in restorable(store.client, store)]
    if output is not Format.json:
        rows = [{**row, "as_of": _days(row["as_of"])} for row in rows]
    print_rows(rows, output)
    if output is not Format.table:
        return
    if held := current_hold(store):
        say(f"{held['set_by']} put publishing on hold at {held['recorded_at']:%Y-%m-%d %H:%M} UTC: {held['why']}")


def _release(who: str) -> None:
    from tributary import holds

    store = store_for_people()
    if not holds.current_hold(store):
        say("publishing is not on hold")
        return
    holds.release(store, who=who)
    say("publishing is free; clear the task publish of consolidate, or wait for its next run")


def _roll_back(to: str | None, why: str, who: str, *, hold: bool, yes: bool) -> None:
    from tributary import holds
    from tributary.rollback import plan_rollback, roll_back
    from tributary.settings import Settings

    store = store_for_people()
    plan = plan_rollback(store.client, store, to)
    _explain(plan)
    if not yes:
        typer.confirm("Roll back?", abort=True)
    with _hold_told(hold):
        if hold:
            # First, so that no run publishes between the two.
            holds.hold(store, who=who, why=why)
        roll_back(store, Settings.from_environment().location, plan, who=who, why=why)
    say(f"consolidated is version {plan.target.version}")
    if hold or holds.current_hold(store):
        say("publishing is on hold: `publish` refuses until `tributary rollback --release`")
    else:
        say("the next run of consolidate publishes anew; `--hold` keeps it from that")


@contextmanager
def _hold_told(hold: bool) -> Iterator[None]:
    """Says, where the rollback fails, that publishing stays on hold.

    It is not released: where the connection broke, the rollback may have happened, and the next run would publish
    over it the rows that somebody wanted gone. Held, readers keep what they see until a person has looked.
    """
    try:
        yield
    except BaseException:
        if hold:
            say("the rollback did not come to its end; publishing stays on hold, so that no run publishes over it")
            say("`tributary rollback --list` shows what is live; roll back again, or `tributary rollback --release`")
        raise


def _explain(plan: Rollback) -> None:
    for name, one in (("live now", plan.live), ("back to", plan.target)):
        say(f"{name}: version {one.version} of {one.day}, {one.row_count:,} rows; dumps of {_days(one.as_of)}")
    if plan.emptied:
        say(f"tables that the version lacks, their rows are removed: {', '.join(plan.emptied)}")
    if plan.null:
        say(f"columns that the version lacks, they become null: {', '.join(plan.null)}")


def _row(one: Publication, *, live: bool) -> dict[str, Any]:
    return {
        "version": one.version,
        "live": "live" if live else None,
        "day": one.day,
        "as_of": one.as_of,
        "rows": one.row_count,
        "kind": one.kind,
        "published_at": f"{one.published_at:%Y-%m-%d %H:%M:%S}",
        "run_id": one.run_id,
        "by": one.published_by,
        "why": one.why,
    }


def _days(as_of: dict[str, str]) -> str:
    """`2013-01-02`, and the databases whose dump is of another day: `2013-01-02, shop_eu 2013-01-01`."""
    newest = max(as_of.values(), default="no day")
    return ", ".join([newest, *(f"{name} {day}" for name, day in as_of.items() if day != newest)])


@contextmanager
def bigquery_at_hand() -> Iterator[None]:
    """Tells in one line what BigQuery refused, or that it cannot be reached."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        raise TributaryError(
            f"BigQuery: {getattr(error, 'message', error)}. `tributary rollback --list` shows what is live; "
            "where a publish ran at the same moment, try again when it has ended"
        ) from error
