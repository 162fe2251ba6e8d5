"""The day of all databases, through Airflow and with the bare tools, in turns: `python -m benchmarks.day [N]`.

Starts a stack in a folder of its own, loads its first day, and then the second one N times each way (5). Both use the
same services; `bare/day.sh` is the other way. Prints a table in Markdown and keeps the single costs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import in_turns, keep, table
from tests.e2e.checkout import Checkout
from tributary.registry import load_registry


def main(n: int) -> None:
    """Measure."""
    databases = list(load_registry().consolidated_databases)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.create(Path(folder))
        try:
            checkout.run("make", "run", timeout=1800)
            day = json.loads(checkout.simulator("advance", "--json").splitlines()[-1])["date"]
            ways = {
                "bare tools": lambda: checkout.run("benchmarks/bare/day.sh", day, *databases),
                "Tributary": lambda: checkout.run("./tributary", "run", "--date", day),
            }
            for way in ways.values():
                way()  # what only the first time costs, such as making tables, is nobody's
            supervisor = int((checkout.folder / ".local" / "supervisord.pid").read_text())
            costs = in_turns(n, ways, [supervisor])
        finally:
            checkout.run("make", "stop", check=False)
    print(table(costs, "bare tools"))
    print(f"\n{keep('day', costs, 'bare tools')}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
