"""What all commands share: how they print, what they ask of a reason, how they reach `ops`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tributary.dates import parse_day

if TYPE_CHECKING:
    from tributary.ledger.store import OpsStore

# In a log there is no terminal to ask for its width, and 80 columns break every table.
_WIDTH = None if sys.stdout.isatty() else 160
console = Console(width=_WIDTH)
errors = Console(stderr=True, width=_WIDTH)


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    csv = "csv"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print the rows.")]


def print_rows(rows: Sequence[dict[str, Any]], output: Format, columns: Sequence[str] | None = None) -> None:
    """Print rows on standard output; `columns` orders them, and names them where there are no rows."""
    from tributary.reporting import to_csv, to_table

    if output is Format.json:
        # Not through rich: it would wrap long lines, and other programs read this.
        sys.stdout.write(json.dumps(rows, default=str, indent=2) + "\n")
    elif output is Format.csv:
        sys.stdout.write(to_csv(rows, columns))
    else:
        console.print(to_table(rows, columns))


def say(line: str) -> None:
    """Print a line as it is, for people and logs."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)


def day_of(text: str) -> date:
    """A day as people write it on the command line. Raises BadParameter with the form that is expected."""
    try:
        return parse_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def reason(why: str | None) -> str:
    """A person's reason in a form that may be kept. Raises BadParameter where there is none."""
    from tributary.dead_letters.redaction import shorten, without_secrets

    text = shorten(without_secrets(why or ""))
    if not text:
        raise typer.BadParameter("expected the reason in --why")
    return text


def store_for_people() -> OpsStore:
    """The dataset `ops`, with the credentials of whoever runs the command."""
    from google.cloud.bigquery import Client

    from tributary.job_labels import COMMAND, job_labels, put_on
    from tributary.ledger.store import OpsStore
    from tributary.settings import Settings

    location = Settings.from_environment().location
    return OpsStore(put_on(Client(location=location), job_labels(COMMAND)), location)
