"""`tributary quarantine`: the rows that were set aside, and what becomes of them."""

from __future__ import annotations

import getpass
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tributary.terminal import Format, FormatOption, day_of, print_rows, reason, say, store_for_people

if TYPE_CHECKING:
    from tributary.ledger.store import OpsStore
    from tributary.quarantine.decisions import Decision, Decisions

app = typer.Typer(no_args_is_help=True, help="Rows that break rules and were set aside: list, show, release, drop.")


DatabaseArgument = Annotated[str, typer.Argument(metavar="DATABASE", help="A database of the registry.")]
TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="A table of it.")]
DateOption = Annotated[date | None, typer.Option("--date", help="Day of the dump; else the newest.", parser=day_of)]
RuleOption = Annotated[str, typer.Option("--rule", help="The rule that the rows break.")]
KeyOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="Key of a row, as `show` prints it or as a failed check names it: order_id=7, line=1."),
]
AllOption = Annotated[bool, typer.Option("--all", help="All rows of the day that the rule has set aside.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why; is kept with the decision.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who says so; otherwise the login name.")]


@app.command("list")
def list_rows(
    database: Annotated[str | None, typer.Option("--database", help="Only of this one.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """How many rows are set aside, by database, day, table and rule."""
    from tributary.registry import load_registry

    names = [database] if database else list(load_registry().databases)
    store = store_for_people()
    rows = [row for name in names for row in _decisions(name, store).listed()]
    print_rows(rows, output, ["database", "dump_date", "table_name", "rule", "row_count"])


@app.command()
def show(
    database: DatabaseArgument,
    table: TableArgument,
    day: DateOption = None,
    content: Annotated[bool, typer.Option("--rows", help="The rows' columns, too; personal ones never.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """The keys of a table's rows, the rules that they break, and what was decided."""
    print_rows(_decisions(database, store_for_people()).shown(table, day, content=content), output)


@app.command()
def release(
    database: DatabaseArgument,
    table: TableArgument,
    rule: RuleOption,
    why: WhyOption,
    key: KeyOption = None,
    every: AllOption = False,
    day: DateOption = None,
    by: ByOption = None,
) -> None:
    """Say that rows are fine: from the next run or replay on they pass the rule."""
    _decide("release", database, table, rule, key, every, day, why, by)


@app.command()
def drop(
    database: DatabaseArgument,
    table: TableArgument,
    rule: RuleOption,
    why: WhyOption,
    key: KeyOption = None,
    every: AllOption = False,
    day: DateOption = None,
    by: ByOption = None,
) -> None:
    """Leave rows out for good: while they break the rule they are set aside and count for no share."""
    _decide("drop", database, table, rule, key, every, day, why, by)


def _decide(
    decision: Decision,
    database: str,
    table: str,
    rule: str,
    keys: list[str] | None,
    every: bool,
    day: date | None,
    why: str,
    by: str | None,
) -> None:
    if bool(keys) == every:
        raise typer.BadParameter("expected either --key or --all")
    rows = _decisions(database, store_for_people()).decide(
        decision, table, rule, keys=keys or [], why=reason(why), by=by or getpass.getuser(), day=day
    )
    say(
        f"{database}.{table}: {rule}: {decision} {rows:,} rows from the next run on; "
        f"`tributary run --date ... --database {database}` runs a day again"
    )


def _decisions(name: str, store: OpsStore) -> Decisions:
    from tributary.quality.suites import suites_for
    from tributary.quarantine.decisions import Decisions
    from tributary.registry import load_registry

    database = load_registry().database(name)
    return Decisions(store, database, suites_for(database.contract, "raw"))
