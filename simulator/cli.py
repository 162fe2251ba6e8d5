"""`python -m simulator`: lines for people on standard output, the last one for machines."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date

from simulator import commands
from simulator.advance import Left
from simulator.breaks import RULES
from simulator.errors import SimulatorError
from simulator.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it did what it says, 1 with a message on standard error when not."""
    options = _parser().parse_args(arguments)
    try:
        options.run(Settings.from_environment(), options)
    except SimulatorError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _advance(settings: Settings, options: argparse.Namespace) -> None:
    left: list[Left] = []

    def report(one: Left) -> None:
        left.append(one)
        print(one, file=sys.stderr if options.json else sys.stdout, flush=True)

    reached = commands.advance(
        settings,
        report,
        until=options.date,
        days=options.days,
        databases=options.databases,
        scale=options.scale,
        seed=options.seed,
    )
    if options.json:
        dumps = [{"database": one.database, "day": str(one.day), "rows": one.rows, "bytes": one.size} for one in left]
        print(json.dumps({"date": str(reached), "dumps": dumps}))
    else:
        print(reached)


def _date(settings: Settings, options: argparse.Namespace) -> None:
    print(commands.current_date(settings) or "")


def _break(settings: Settings, options: argparse.Namespace) -> None:
    print(commands.change_break(settings, options.database, options.rule, undo=options.undo))


def _add(settings: Settings, options: argparse.Namespace) -> None:
    print(commands.add(settings, print, options.database, options.app, options.seed, options.scale) or "")


def _dump(settings: Settings, options: argparse.Namespace) -> None:
    commands.dump_again(settings, print, options.databases)


def _counts(settings: Settings, options: argparse.Namespace) -> None:
    found = commands.counts(settings, options.date)
    if options.json:
        print(json.dumps(found))
    else:
        for database, tables in found.items():
            for table, rows in tables.items():
                print(f"{database}.{table} {rows}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="Production databases that live.")
    sub = parser.add_subparsers(required=True, metavar="COMMAND")

    advance = sub.add_parser("advance", help="live the next days and leave their dumps; prints the day reached")
    until = advance.add_mutually_exclusive_group()
    until.add_argument("--date", type=_day, help="up to this day, YYYY-MM-DD")
    until.add_argument("--days", type=_positive, default=1, help="so many days further (default 1)")
    _databases(advance)
    _volume(advance)
    advance.add_argument("--json", action="store_true", help="print one JSON object; the lines go to standard error")
    advance.set_defaults(run=_advance)

    today = sub.add_parser("date", help="print the last simulated day; empty before the first")
    today.set_defaults(run=_date)

    broken = sub.add_parser("break", help="make something wrong that the next dump carries")
    broken.add_argument("database", metavar="DB")
    broken.add_argument("rule", choices=RULES)
    broken.add_argument("--undo", action="store_true", help="heal it, or take it back")
    broken.set_defaults(run=_break)

    add = sub.add_parser("add", help="add a database that lives at the current simulated day")
    add.add_argument("database", metavar="DB")
    add.add_argument("--app", required=True, help="retail, or flights:XXX with XXX an airport of the source")
    _volume(add)
    add.set_defaults(run=_add)

    dump = sub.add_parser("dump", help="leave the current day's dump once more, after a break was undone")
    _databases(dump)
    dump.set_defaults(run=_dump)

    counts = sub.add_parser("counts", help="rows per database and table")
    counts.add_argument("--date", type=_day, help="as they were at the end of this simulated day; default: now")
    counts.add_argument("--json", action="store_true")
    counts.set_defaults(run=_counts)
    return parser


def _databases(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--databases", type=lambda text: text.split(","), help="names, comma between; default: all")


def _volume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scale", type=_volume_factor, help="volume of the shops' days (default: that at birth, 1)")
    parser.add_argument("--seed", type=int, help="of the invented data; fixed when the first database is born")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, found {text!r}") from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of days, 1 or more, found {text!r}")
    return int(text)


def _volume_factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 10_000:
        raise argparse.ArgumentTypeError(f"expected a factor above 0 and up to 10000, found {text!r}")
    return factor
