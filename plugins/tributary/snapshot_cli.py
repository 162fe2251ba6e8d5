"""`tributary snapshot` and `tributary export`: what a model was trained on, kept and taken away."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from tributary.rollback_cli import bigquery_at_hand
from tributary.terminal import Format, FormatOption, print_rows, reason, say, store_for_people

app = typer.Typer(no_args_is_help=True, help="Versions of `consolidated` that are kept under a name.")

By = Annotated[str | None, typer.Option("--by", help="Who does it; otherwise the login name.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Such as churn-2013-01.")],
    version: Annotated[str | None, typer.Option(help="A kept version; otherwise the live one.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="What for; it is recorded.")] = None,
    by: By = None,
) -> None:
    """Keep a version of `consolidated` until its snapshot is removed."""
    from tributary import snapshots

    with bigquery_at_hand():
        store = store_for_people()
        who = by or getpass.getuser()
        made = snapshots.create(store.client, store, name, version=version, who=who, why=reason(why))
    say(f"{name} is version {made.publication.version} of {made.publication.day}: its tables are in {made.dataset}")


@app.command("list")
def list_(output: FormatOption = Format.table) -> None:
    """The snapshots, with the days and rows that they hold."""
    from tributary import snapshots

    with bigquery_at_hand():
        store = store_for_people()
        found = snapshots.snapshots(store.client, store)
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "version": one.publication.version,
            "day": one.publication.day,
            "rows": one.publication.row_count,
            "dataset": one.dataset,
            "why": one.why,
        }
        for one in found
    ]
    print_rows(rows, output, columns=["name", "version", "day", "rows", "dataset", "why"])


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="As in `tributary snapshot list`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let a version go with the others."""
    from tributary import snapshots

    if not yes:
        typer.confirm(f"Remove the snapshot {name}? Its rows go with the next publish.", abort=True)
    with bigquery_at_hand():
        snapshots.remove(store_for_people().client, name)
    say(f"{name} is no snapshot any more")


def export(
    source: Annotated[str, typer.Argument(help="A snapshot, a version, `consolidated`, or a database.")],
    to: Annotated[str, typer.Option("--to", help="An empty folder of a bucket: gs://BUCKET/FOLDER.")],
    by: By = None,
) -> None:
    """Write the tables of a dataset as Parquet files, with a manifest of versions, rows and checksums."""
    from google.cloud import storage

    from tributary import exporting
    from tributary.registry import load_registry

    with bigquery_at_hand():
        store = store_for_people()
        found = exporting.source_of(source, store.client, store, load_registry())
        done = exporting.export(store.client, storage.Client(), found, to, who=by or getpass.getuser())
    rows = sum(table.rows for table in done.tables.values())
    say(
        f"{len(done.tables)} tables of {found.dataset}, {rows:,} rows; {to.rstrip('/')}/{exporting.MANIFEST} says which"
    )
