"""`tributary forget`: a person's rows out of every layer, with a receipt."""

from __future__ import annotations

import getpass
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tributary.rollback_cli import bigquery_at_hand
from tributary.terminal import Format, FormatOption, print_rows, reason, say, store_for_people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tributary.forgetting.forgetting import Forgetting, Receipt
    from tributary.forgetting.requests import Request
    from tributary.ledger.store import OpsStore
    from tributary.registry import Database, Registry


def forget(
    app: Annotated[str | None, typer.Option("--app", help="The app whose contract knows the subject.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Whom the key names, such as customer.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="The key, such as 4711.")] = None,
    database: Annotated[list[str] | None, typer.Option("--database", help="Of which databases.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="Why, such as the number of a ticket; recorded.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who asks; otherwise the login name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Only show the requests on record.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """Take a person's rows out of every layer, and keep later imports from bringing them back.

    May be repeated at any time: it goes on with the request of the same key. Prints the receipt; ends with 1 where
    rows are left.
    """
    with bigquery_at_hand():
        if show:
            print_rows(store_for_people().query("ops/forgotten_listed"), output)
            return
        if app is None or subject is None or key is None:
            raise typer.BadParameter("expected --app, --subject and --key, or --list")
        receipts = _forget(app, subject, key, database or [], reason(why), by or getpass.getuser(), yes, output)
    if any(receipt.remaining or receipt.blind for receipt in receipts):
        raise typer.Exit(1)


def _forget(
    app: str, subject: str, key: str, names: list[str], why: str, who: str, yes: bool, output: Format
) -> list[Receipt]:
    from tributary.forgetting.requests import REQUESTED, record, require_no_other_open
    from tributary.registry import load_registry

    registry, store = load_registry(), store_for_people()
    asked = [
        (database, request_about(database, subject, key, by=who, why=why))
        for database in databases_of(registry, app, subject, names)
    ]
    forgettings = [_forgetting(store, database, request) for database, request in asked]
    require_no_other_open(store, [one.request for one in forgettings])
    if not yes:
        _explain(forgettings)
        typer.confirm("Take these rows out of every layer? That cannot be undone.", abort=True)
    # What the command prints may be read by programs; Airflow's hooks say there what they do.
    with redirect_stdout(sys.stderr):
        # Of all of them first: one that fails leaves the next ones open, and they are not forgotten.
        for one in forgettings:
            record(store, one.request, REQUESTED)
        receipts = [one.run() for one in forgettings]
    _print(store, zip((database for database, _ in asked), receipts, strict=True), output)
    return receipts


def databases_of(registry: Registry, app: str, subject: str, names: Iterable[str]) -> list[Database]:
    """The databases that a request is about.

    Raises UnknownSubjectError where one is unknown, or none is named though a key names another person in each.
    """
    from tributary.forgetting.subjects import UnknownSubjectError, subject_of

    of_app = {name: database for name, database in registry.databases.items() if database.app == app}
    if not of_app:
        raise UnknownSubjectError(f"found the app {app!r}, expected one of {', '.join(registry.contracts)}")
    described = subject_of(registry.contracts[app], subject)
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in of_app]:
        raise UnknownSubjectError(f"found the database {unknown[0]!r}, expected one of {app}: {', '.join(of_app)}")
    if not wanted and not described.shared:
        raise UnknownSubjectError(
            f"the same key is another {subject} in each database of {app}; expected --database, one or more of "
            f"{', '.join(of_app)}"
        )
    return [of_app[name] for name in wanted or of_app]


def request_about(database: Database, subject: str, key: str, *, by: str, why: str) -> Request:
    """A request; its key is what the tables hold. Raises UnknownSubjectError for a key that none could hold."""
    from tributary.forgetting.requests import Request
    from tributary.forgetting.subjects import looked_for, subject_of

    value = looked_for(database.contract, subject_of(database.contract, subject), key)
    return Request(database.app, subject, database.name, value, by, why)


def _forgetting(store: OpsStore, database: Database, request: Request) -> Forgetting:
    from tributary.forgetting.forgetting import Forgetting
    from tributary.hooks.clients import builders_client, staging_server

    mysql = staging_server(database.cloud_sql_instance)
    return Forgetting(store, builders_client(store.client), mysql, database, request)


def _explain(forgettings: Iterable[Forgetting]) -> None:
    for one in forgettings:
        places = {place: sum(days.values()) for place, days in one.found().items()}
        rows = [
            {"layer": layer, "dataset": dataset, "table": table, "rows": count}
            for (layer, dataset, table), count in places.items()
            if count
        ]
        print_rows(rows, Format.table, ["layer", "dataset", "table", "rows"])
        if not rows:
            say(f"{one.request.database}: nobody is found by that key; a request is on record all the same, for dumps")


def _print(store: OpsStore, found: Iterable[tuple[Database, Receipt]], output: Format) -> None:
    from tributary.forgetting.remains import remains
    from tributary.reporting import dump_rows

    now = datetime.now(UTC)
    documents: list[dict[str, Any]] = []
    for database, receipt in found:
        dumps = [str(row["object"]) for row in dump_rows(database)]
        left = [asdict(one) for one in remains(store.client, database, receipt, dumps, now)]
        lines = [asdict(line) for line in receipt.lines]
        documents.append(
            {
                "request_id": receipt.request.id,
                "database": database.name,
                "subject": receipt.request.subject,
                "key": receipt.request.key,
                "by": receipt.request.by,
                "why": receipt.request.why,
                "at": now.isoformat(timespec="seconds"),
                "removed": receipt.removed,
                "remaining": receipt.remaining,
                "tables": lines,
                "remains": left,
                "dumps": dumps,
            }
        )
        if output is Format.table:
            print_rows(lines, output)
            say(f"request {receipt.request.id}: {receipt.removed:,} rows taken out, {receipt.remaining:,} left")
            print_rows(left, output)
    if output is Format.json:
        print_rows(documents, output)
    elif output is Format.csv:
        print_rows([{"request_id": one["request_id"], **line} for one in documents for line in one["tables"]], output)
