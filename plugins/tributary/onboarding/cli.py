"""`tributary contract`: from a dump to a contract, and what differs between the two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tributary.dumps import DumpError
from tributary.errors import TributaryError
from tributary.registry import DATABASE_NAME, load_registry
from tributary.terminal import Format, FormatOption, errors, print_rows

app = typer.Typer(no_args_is_help=True, help="Contracts: what an app's tables are.")

DumpArgument = Annotated[str, typer.Argument(help="A local file, or - for standard input.")]


@contextmanager
def _told() -> Iterator[None]:
    """Errors of a dump are told as the command's own, without a traceback."""
    try:
        yield
    except (DumpError, OSError) as error:
        raise TributaryError(str(error)) from None


@app.command()
def infer(
    file: DumpArgument,
    name: Annotated[str, typer.Option("--app", help="The app's name, such as retail.")],
    database: Annotated[
        str | None, typer.Option(help="The database's name in the registry; the app's, unless it is said.")
    ] = None,
) -> None:
    """Print the contract of an app, as a dump of one of its databases has it.

    What a person should look at goes to standard error. Nothing is written: `> include/contracts/APP.yaml` keeps it.
    """
    from tributary.onboarding.reading import infer_from
    from tributary.onboarding.writing import contract_yaml

    for option, value in (("--app", name), ("--database", database or name)):
        if not re.fullmatch(DATABASE_NAME, value):
            raise TributaryError(
                f"{option}: expected lower-case letters, digits and underscores, a letter first, found {value!r}"
            )
    with _told():
        inferred = infer_from(file, name, database or name)
    for table, reason in inferred.left_out.items():
        errors.print(f"left out: table {table}: {reason}", style="yellow", highlight=False, soft_wrap=True)
    for note in inferred.notes:
        errors.print(note, style="yellow", highlight=False, soft_wrap=True)
    for table, columns in inferred.personal.items():
        for column, reason in columns.items():
            errors.print(f"personal, not copied: {table}.{column}: {reason}", highlight=False, soft_wrap=True)
    if not inferred.contract.tables:
        raise TributaryError("expected tables that a contract can describe, found none: see above")
    print(contract_yaml(inferred), end="")


@app.command()
def diff(
    file: DumpArgument,
    database: Annotated[str, typer.Option(help="Of the registry, by whose contract it is compared.")],
    output: FormatOption = Format.table,
) -> None:
    """Tell what differs between a dump's tables and the contract; ends with 1 where something does."""
    from tributary.onboarding.reading import definitions_in
    from tributary.schema_changes import schema_changes

    contract = load_registry().database(database).contract
    with _told():
        report = definitions_in(file)
    changes = schema_changes(contract, report.definitions)
    print_rows(
        [
            {
                "table": change.table,
                "column": change.column,
                "change": str(change.kind),
                "contract": change.expected,
                "dump": change.found,
            }
            for change in changes
        ],
        output,
    )
    if changes:
        raise typer.Exit(1)
