"""The day of all databases, through Airflow and with the bare tools, in turns: `python -m benchmarks.day [N]`.

Starts a stack in a folder of its own, loads its first day, and then N days (5), each both ways. Both use the same
services; `bare/day.sh` is the other way, while Airflow stands still. Prints a table in Markdown and keeps the single
costs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import compared, in_turns, keep, table
from benchmarks.parts import Parts
from tests.e2e.checkout import Checkout
from tributary.registry import load_registry

BARE, TRIBUTARY = "bare tools", "Tributary"


class Days:
    """The day at hand, and both ways to load it."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.databases = list(load_registry().consolidated_databases)
        self.day = ""

    def next(self) -> None:
        """Let a day pass in production, once readers have the one before."""
        self.check()
        self.day = json.loads(self.checkout.simulator("advance", "--json").splitlines()[-1])["date"]

    def check(self) -> None:
        """Raises where readers have not the day of every database: that would have been less work."""
        rows = self.checkout.query("select as_of from consolidated.databases") if self.day else []
        found = [str(row["as_of"]) for row in rows]
        if self.day and found != [self.day] * len(self.databases):
            raise RuntimeError(f"expected all {len(self.databases)} databases to be of {self.day}, found {found}")

    def bare(self) -> None:
        self.checkout.run("benchmarks/bare/day.sh", self.day, *self.databases)

    def tributary(self) -> None:
        self.checkout.run("./tributary", "run", "--date", self.day)


def main(n: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        try:
            checkout.run("make", "run", timeout=1800)
            days, parts = Days(checkout), Parts(checkout)
            ways = {BARE: days.bare, TRIBUTARY: days.tributary}
            days.next()
            for way in ways.values():
                way()  # what only the first time costs, such as making tables, is nobody's
            costs = in_turns(n, ways, (), before=days.next, around=parts.around([BARE]))
            days.check()
        finally:
            checkout.run("make", "stop", check=False)
    pairs = [(TRIBUTARY, BARE)]
    print(table(costs, BARE), compared(costs, pairs), keep("day", costs, BARE, pairs), sep="\n\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
