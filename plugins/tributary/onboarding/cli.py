"""`tributary contract` and `tributary add-database`: from a dump to the registry, and what differs between the two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tributary.contracts import DATABASE_NAME
from tributary.dump_check import STANDARD_INPUT
from tributary.dumps import DumpError
from tributary.errors import TributaryError
from tributary.registry import load_registry
from tributary.terminal import Format, FormatOption, console, day_of, errors, print_rows, say, store_for_people

if TYPE_CHECKING:
    from tributary.onboarding.adding import Addition
    from tributary.onboarding.inference import Inferred

app = typer.Typer(no_args_is_help=True, help="Contracts: what an app's tables are.")

DumpArgument = Annotated[str, typer.Argument(help="A local file, or - for standard input.")]


@contextmanager
def _told() -> Iterator[None]:
    """Errors of a dump are told as the command's own, without a traceback."""
    try:
        yield
    except (DumpError, OSError) as error:
        raise TributaryError(str(error)) from None


def _checked_name(option: str, value: str) -> None:
    if not re.fullmatch(DATABASE_NAME, value):
        raise TributaryError(
            f"{option}: expected lower-case letters, digits and underscores, a letter first, found {value!r}"
        )


def _tell(inferred: Inferred) -> None:
    """What a person should look at, on standard error."""
    for table, reason in inferred.left_out.items():
        _note(f"left out: table {table[:64]!r}: {reason}")
    for note in inferred.notes:
        _note(note)
    for table, columns in inferred.personal.items():
        for column, reason in columns.items():
            _note(f"personal, not copied: {table}.{column}: {reason}")


def _note(text: str) -> None:
    errors.print(text, style="yellow", highlight=False, soft_wrap=True, markup=False)


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

    _checked_name("--app", name)
    _checked_name("--database", database or name)
    with _told():
        inferred = infer_from(file, name, database or name)
    _tell(inferred)
    print(contract_yaml(inferred), end="")


def add_database(
    name: Annotated[str, typer.Argument(help="Its name in the registry: that of its DAG and its datasets.")],
    dump: Annotated[str, typer.Option(help="A dump of it: a local file, or - for standard input.")],
    app_name: Annotated[
        str | None, typer.Option("--app", help="The app whose schema it has; its own by default.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for it.")] = None,
    upload_as: Annotated[
        date | None, typer.Option(help="Put the dump into the bucket, too, as this day's.", parser=day_of)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Add a database to the registry by one of its dumps, with a contract where its app has none yet.

    Shows what it would write, and asks. Airflow makes the DAG `elt__NAME` of it at its next look at the files.
    """
    from tributary import dbt_artifacts, generated, naming
    from tributary.onboarding.adding import plan
    from tributary.onboarding.uploading import object_name, upload

    own = app_name or name
    _checked_name("NAME", name)
    _checked_name("--app", own)
    if upload_as and dump == STANDARD_INPUT:
        raise TributaryError("--upload-as: expected a file in --dump, found standard input")
    with _told():
        addition = plan(name, own, dump, {"owner": owner} if owner else {})
        target = object_name(dump, addition.registry.database(name), upload_as) if upload_as else ""
        _show(addition)
        if not yes and not typer.confirm("Write this?"):
            raise typer.Exit(1)
        # The entry comes last: with it Airflow makes a DAG, for which all else has to be there.
        addition.write_contract()
        for path in generated.write(addition.registry):
            say(f"wrote {path}")
        if not dbt_artifacts.refresh():
            say("No dbt is installed here: the DAG comes when the stack has started anew, or with the next image.")
        if target:
            say(f"uploaded {upload(dump, target)}")
        addition.enter()
    say(f"The DAG {naming.dag_id(name)} loads it: `tributary run --database {name} --date DAY`.")


def _show(addition: Addition) -> None:
    """What would be written, and what a person should look at."""
    if addition.inferred:
        _tell(addition.inferred)
    for change in addition.changes:
        _note(f"not in the contract, ignored: {change}")
    _show_diff(addition.diff())


def _show_diff(lines: Iterable[str]) -> None:
    for line in lines:
        colour = {"+": "green", "-": "red"}.get(line[:1])
        console.print(line, style=colour, highlight=False, soft_wrap=True, markup=False)


@app.command()
def diff(
    file: DumpArgument,
    database: Annotated[str, typer.Option(help="Of the registry, by whose contract it is compared.")],
    output: FormatOption = Format.table,
) -> None:
    """Tell what differs between the definitions in a dump and the contract, and what would be done about it.

    Ends with 1 where something differs.
    """
    from tributary.drift.changes import schema_changes
    from tributary.drift.decisions import decide
    from tributary.onboarding.reading import definitions_in

    contract = load_registry().database(database).contract
    with _told():
        definitions = definitions_in(file, contract)
    decisions = [decide(contract, change) for change in schema_changes(contract, definitions)]
    print_rows(
        [
            {
                "table": one.change.table,
                "column": one.change.column,
                "change": str(one.change.kind),
                "contract": one.change.expected,
                "dump": one.change.found,
                "mode": str(one.mode or ""),
                "outcome": str(one.outcome),
                "why": one.why,
            }
            for one in decisions
        ],
        output,
    )
    if decisions:
        raise typer.Exit(1)


@app.command()
def accept(
    database: Annotated[str, typer.Argument(help="Of the registry, whose app's contract is changed.")],
    dump: Annotated[
        str | None,
        typer.Option(help="A dump of it, a file or gs://...; by default the newest that was checked."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Write what a dump's definitions say into the contract: for all databases of the app, from their next runs on.

    Shows what it would write, and which files of people's name what went, and asks.
    """
    from tributary import dbt_artifacts, generated
    from tributary.onboarding.accepting import acceptance
    from tributary.onboarding.reading import described_in

    registry = load_registry()
    contract = registry.database(database).contract
    file = dump or _newest_dump(database)
    with _told():
        definitions, samples = described_in(file, contract)
    accepted = acceptance(database, definitions, samples)
    if accepted.text == accepted.before:
        say(f"The contract of {contract.app} says what {file} does.")
        return
    for note in accepted.notes:
        _note(note)
    _show_diff(accepted.diff())
    for name in accepted.files:
        _note(f"{name} names what is no more: change it, too")
    others = [name for name, one in registry.databases.items() if one.app == contract.app and name != database]
    if others:
        _note(f"the contract is that of {', '.join(others)}, too: their dumps are held against it from now on")
    if not yes and not typer.confirm("Write this?"):
        raise typer.Exit(1)
    accepted.write()
    for path in generated.write(accepted.registry):
        say(f"wrote {path}")
    if not dbt_artifacts.refresh():
        say("No dbt is installed here: models come with the next start of the stack, or with the next image.")
    say(f"Load the day again: `tributary run --database {database} --date DAY`, or replay its dead letter.")


def _newest_dump(database: str) -> str:
    """Where the newest dump lies that pre-flight has read."""
    rows = store_for_people().query("ops/newest_dump", database=database)
    if not rows:
        raise TributaryError(f"expected a dump of {database} that pre-flight has read, found none; say one with --dump")
    return str(rows[0]["dump_uri"])
