"""The Database page: what was counted and checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tributary.ui.facts import Row

STAGES = ("dump", "forgotten", "staging", "raw", "quarantine", "marts", "consolidated")


@dataclass(frozen=True)
class StageTable:
    """Rows of each table at each stage; None where a stage has not counted the table."""

    stages: Sequence[str]
    tables: Sequence[tuple[str, Sequence[int | None]]]
    totals: Sequence[int | None]


@dataclass(frozen=True)
class Checks:
    """The rules of a day, those that failed first."""

    results: Sequence[Row]
    passed: int
    failed: int
    skipped: int


def stage_table(rows: Iterable[Row]) -> StageTable:
    """From rows of `ui/stages`: a line for each table, those of the dump first."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row["table_name"], {})[row["stage"]] = row["row_count"]
    stages = [stage for stage in STAGES if any(stage in of_table for of_table in counts.values())]
    names = sorted(counts, key=lambda name: ("dump" not in counts[name], name))
    source = [name for name in names if "dump" in counts[name]]
    return StageTable(
        stages=stages,
        tables=[(name, [counts[name].get(stage) for stage in stages]) for name in names],
        # Marts beyond the source's tables are left out, so that the stages can be compared.
        totals=[_total(counts[name].get(stage) for name in source) for stage in stages],
    )


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def checks(rows: Iterable[Row]) -> Checks:
    """From rows of `ui/checks`."""
    results = list(rows)
    states = [row["status"] for row in results]
    return Checks(
        results=results,
        passed=states.count("passed"),
        failed=states.count("failed") + states.count("error"),
        skipped=states.count("skipped"),
    )


def history(rows: Iterable[Row]) -> list[tuple[date, int]]:
    """From rows of `ui/history`: the landed days and their rows, the oldest first."""
    return [(row["dump_date"], row["row_count"] or 0) for row in rows if row["state"] == "landed"]


def newest_day(*days: Mapping[date, Any]) -> date | None:
    """The newest day that any of the facts is about."""
    return max((day for of in days for day in of), default=None)
