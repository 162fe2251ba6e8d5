"""`tributary cost`: what BigQuery bills, by database and step."""

from __future__ import annotations

from typing import Annotated

import typer

from tributary.terminal import Format, FormatOption, print_rows, store_for_people

COLUMNS = ("database", "step", "jobs", "failed", "bytes_processed", "bytes_billed", "slot_seconds")


def cost(
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 7, output: FormatOption = Format.table
) -> None:
    """What the BigQuery jobs of the last days cost, by database and step, the dearest first.

    The housekeeping records jobs every 15 minutes. Where queries are paid by the byte, bytes_billed is what is paid;
    where slots are reserved, look at slot_seconds.
    """
    print_rows(store_for_people().query("ops/cost_report", days=str(days)), output, columns=COLUMNS)
