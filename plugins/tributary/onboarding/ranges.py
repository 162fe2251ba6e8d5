"""Which numbers look as if they had bounds: by their columns' names, and by what is in them.

A guess that a person looks over, as with personal data. It errs towards none: a rule that is wrong stops a load.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

# What is never below zero, where a column's name ends with it. No balance, difference, score or temperature is here.
_MAGNITUDES = frozenset(
    "age amount capacity cost count discount distance duration fee freight height length minutes pages percent"
    " percentage population price qty quantity rank rate rating salary seconds size stock subtotal tax total units"
    " volume wage weight width".split()
)
_SHARES = frozenset(("percent", "percentage"))
# Unsigned numbers are never below zero by their type, and TINYINT(1) is no quantity.
_NUMBER = re.compile(r"(?!tinyint\(1\))(?:tiny|small|medium|big)?int\b|(?:decimal|float|double)\b")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True)
class Bounds:
    """Bounds that a column's values seem to have; `seen` is how many of them were looked at."""

    least: int
    greatest: int | None
    seen: int


def bounds_of(name: str, type_: str, values: Sequence[str | None]) -> Bounds | None:
    """The bounds that a column seems to have; None where its name or its values say none, or there are none.

    :param type_: its type, in the form of contracts.
    :param values: some of its values.
    """
    last = [word.lower() for word in _WORD.findall(name)][-1:]
    if not _NUMBER.match(type_) or "unsigned" in type_ or _MAGNITUDES.isdisjoint(last):
        return None
    try:
        there = [Decimal(value) for value in values if value is not None]
    except InvalidOperation:
        return None
    if not there or min(there) < 0:
        return None
    is_share = not _SHARES.isdisjoint(last) and max(there) <= 100
    return Bounds(0, 100 if is_share else None, len(there))


def bounds_rule(column: str, word: str, bounds: Bounds) -> dict[str, object]:
    """The rule of a column's bounds, as a suite file has it; its name begins with `word`."""
    kwargs: dict[str, object] = {"column": column, "min_value": bounds.least}
    kind = "not_negative"
    if bounds.greatest is not None:
        kwargs["max_value"], kind = bounds.greatest, "in_range"
    why = f"Guessed by its name and by {bounds.seen} values of its first dump."
    return {
        "type": "expect_column_values_to_be_between",
        "kwargs": kwargs,
        "meta": {"rule": f"{word}_{kind}", "why": why},
    }
