"""What Tributary needs for 10, 100, 1,000 and 10,000 databases, and which limit comes first.

`python -m benchmarks.scaling_arithmetic` prints the tables of docs/scaling.md; `--write FILE` puts them between its
marks, `--check FILE` fails where they are others. Every number is a named constant with where it is from; tests hold
those that the repository or Airflow states against them (tests/delivery, tests/dags).
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SIZES = (10, 100, 1_000, 10_000)
MARKS = ("<!-- made by benchmarks/scaling_arithmetic.py -->", "<!-- end -->")
QUOTAS = "https://cloud.google.com/bigquery/quotas"


@dataclass(frozen=True)
class Figure:
    """A number, what it counts, and where it is from."""

    value: float
    what: str
    source: str

    @property
    def shown(self) -> str:
        return f"{self.value:,}"


# --- What a database costs a day; an app of 7 tables, 8 marts and a history, retail ---
MEASURED = "measured on the local cloud: jobs of a first day by their labels"
TASKS = Figure(18, "tasks of a database's run", "the DAG elt__shop_eu")
CONSOLIDATE_TASKS = Figure(19, "tasks of consolidate, whatever the number of databases", "the DAG consolidate")
JOBS = Figure(182, "BigQuery jobs of a database's run", MEASURED)
CONSOLIDATE_JOBS = Figure(225, "BigQuery jobs of consolidate, its first time", MEASURED)
LEDGER_INSERTS = Figure(4, "INSERTs into ops.ledger_log of a database's run", MEASURED)
PARSE_SECONDS = Figure(0.005, "CPU seconds to build a database's DAG", "docs/performance.md: 1,000 DAGs")
CPU_SECONDS = Figure(24, "CPU seconds of a database's run, at most", "docs/performance.md: 6 in 71 s, 2 cores")
BRANCH = Figure(1_171, "characters of a database in the longest statement", "consolidated__flight_delay_features")
AT_ONCE = Figure(400, "databases in one statement of consolidate, at most", "include/dbt/macros/consolidate.sql")
ENTRY = Figure(29, "characters of a database in what dbt is told", 'TRIBUTARY_AS_OF, `"airport_jfk": "2013-01-01", `')

# --- Put your own figures here: ops.task_durations and ops.costs have them ---
WINDOW_HOURS = Figure(3, "hours from the schedule's tick to the deadline", "include/databases.yaml, `deadline`")
IMPORT_MINUTES = Figure(10, "minutes of an import", "assumed; ops.task_durations")
SYNC_MINUTES = Figure(10, "minutes of a sync", "assumed; ops.task_durations")
LOAD_JOBS = Figure(14, "load jobs of a sync", "assumed: two for each of 7 tables")
INSERT_SECONDS = Figure(2, "seconds of an INSERT of a few rows", "assumed; ops.costs, created_at to ended_at")

# --- Limits ---
RESOURCES = Figure(1_000, "tables that one query may name", QUOTAS)
STATEMENT = Figure(1_024_000, "characters of one statement", QUOTAS)
METHOD_RATE = Figure(100, "API requests a second, by user and method", QUOTAS)
LOADS_A_DAY = Figure(100_000, "load jobs a day and project", QUOTAS)
FREE_INSERTS = Figure(1_500, "INSERTs into a table in 24 hours that start at once", QUOTAS)
INSERTS_AT_ONCE = Figure(10, "INSERTs into a table at a time after those; 100 more may wait", QUOTAS)
INSTANCES = Figure(1_000, "Cloud SQL instances of a project", "https://cloud.google.com/sql/docs/quotas")
VARIABLE = Figure(131_072, "characters of one environment variable", "Linux, MAX_ARG_STRLEN: execve(2)")
IMPORT_SECONDS = Figure(30, "seconds that a DAG file may take to import", "Airflow, [core] dagbag_import_timeout")
TRIGGERS = Figure(1_000, "waiting tasks of a triggerer", "Airflow, [triggerer] capacity")
SYNCS = Figure(10, "syncs at a time of an Airbyte launcher", "Airbyte's chart, workloadLauncher.parallelism")


def needs(databases: int) -> dict[str, float]:
    """What that many databases of one app take in a day, by the words of the table."""
    window = WINDOW_HOURS.value * 60
    inserts = databases * LEDGER_INSERTS.value
    waiting = max(0.0, inserts - FREE_INSERTS.value) * INSERT_SECONDS.value / INSERTS_AT_ONCE.value / 60
    syncs = math.ceil(databases * SYNC_MINUTES.value / window)
    return {
        "tasks a day": databases * TASKS.value + CONSOLIDATE_TASKS.value,
        "cores for tasks": math.ceil(databases * CPU_SECONDS.value / (window * 60)),
        "triggerers": math.ceil(databases / TRIGGERS.value),
        "CPU seconds to parse all DAGs": databases * PARSE_SECONDS.value,
        "Cloud SQL instances": math.ceil(databases * IMPORT_MINUTES.value / window),
        "syncs at a time": syncs,
        "Airbyte launchers": math.ceil(syncs / SYNCS.value),
        "BigQuery jobs a day": databases * JOBS.value + CONSOLIDATE_JOBS.value,
        "BigQuery jobs a second": databases * JOBS.value / (window * 60),
        "load jobs a day": databases * LOAD_JOBS.value,
        "tables in one query of consolidate": min(databases, AT_ONCE.value),
        "characters of its longest statement": min(databases, AT_ONCE.value) * BRANCH.value,
        "characters of the variable that tells dbt their days": databases * ENTRY.value,
        "INSERTs into ops.ledger_log": inserts,
        "minutes that they wait in line": waiting,
    }


# Which limit bounds which need, and whether a setting or a quota request moves it.
BOUNDS = {
    "CPU seconds to parse all DAGs": (IMPORT_SECONDS, "by a setting"),
    "Cloud SQL instances": (INSTANCES, "by a request to Google"),
    "BigQuery jobs a second": (METHOD_RATE, "only by more projects"),
    "load jobs a day": (LOADS_A_DAY, "only by more projects"),
    "characters of the variable that tells dbt their days": (VARIABLE, "no"),
}


def first_at(need: str) -> int:
    """The greatest number of databases at which a need keeps within its limit."""
    limit, least, most = BOUNDS[need][0].value, 0, 10**7
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if needs(middle)[need] <= limit else (least, middle - 1)
    return least


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: float) -> str:
    """As people read it: no digits that mean nothing."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def tables() -> str:
    """The three tables of the page."""
    columns = [needs(size) for size in SIZES]

    def cell(need: str, value: float) -> str:
        over = need in BOUNDS and value > BOUNDS[need][0].value
        return f"**{shown(value)}**" if over else shown(value)

    needed = ([need, *(cell(need, column[need]) for column in columns)] for need in columns[0])
    bounds = sorted(BOUNDS, key=first_at)
    limits = ([BOUNDS[n][0].what, BOUNDS[n][0].shown, f"{first_at(n):,}", BOUNDS[n][1]] for n in bounds)
    figures = ([one.what, one.shown, one.source] for one in tuple(globals().values()) if isinstance(one, Figure))
    return "\n\n".join(
        (
            table(["needed for … databases of one app", *(f"{size:,}" for size in SIZES)], needed),
            table(["limit", "at", "reached after … databases", "can it be moved?"], limits),
            table(["figure", "value", "from"], figures),
        )
    )


def replaced(text: str) -> str:
    """A page with today's tables between the marks. Raises ValueError where it has no marks."""
    begin, end = map(re.escape, MARKS)
    made = f"{MARKS[0]}\n\n{tables()}\n\n{MARKS[1]}"
    page, count = re.subn(f"{begin}.*?{end}", lambda _: made, text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"expected one place between {MARKS[0]} and {MARKS[1]}, found {count}")
    return page


def main(arguments: list[str]) -> int:
    """Print, write or check the tables."""
    match arguments:
        case []:
            print(tables())
        case ["--write", name]:
            Path(name).write_text(replaced(Path(name).read_text()))
        case ["--check", name]:
            if replaced(Path(name).read_text()) != Path(name).read_text():
                print(f"{name} is stale: python -m benchmarks.scaling_arithmetic --write {name}", file=sys.stderr)
                return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
