"""Whether a dump's tables have a believable number of rows, by those of the last dump that landed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tributary.errors import GuardError

if TYPE_CHECKING:
    from tributary.contracts import Guards


def check_guards(
    before: Mapping[str, int], now: Mapping[str, int], guards: Mapping[str, Guards], *, database: str, day: str
) -> None:
    """Raise GuardError if a table fell or rose further than its guards allow.

    :param before: rows by table in the last landed dump; a table that it lacks may have any number now.
    :param now: rows by table in this dump, `guards`: of every table in it.
    The message names every such table with both figures and the limit, and says how to accept them.
    """
    faults = [
        fault
        for table, rows in sorted(now.items())
        if (fault := _fault(table, before.get(table, 0), rows, guards[table]))
    ]
    if faults:
        raise GuardError(
            f"{'; '.join(faults)}. If the dump of {day} is right as it is, start a run of elt__{database} for that day "
            "with `force`; if tables may always change so, set `guards` in databases.yaml or in the contract."
        )


def _fault(table: str, before: int, now: int, guards: Guards) -> str | None:
    figures = f"{table}: {before:,} rows in the last landed dump, {now:,} in this one"
    if before and not now and guards.shrink:
        return f"{figures}, which may not lose all"
    if not before or before < guards.small:
        return None
    if now < (least := before * guards.shrink):
        return f"{figures}, at least {least:,.0f} expected (shrink: {guards.shrink:g})"
    if now > (most := before * guards.growth):
        return f"{figures}, at most {most:,.0f} expected (growth: {guards.growth:g})"
    return None
