"""How far a table may shrink or grow between two dumps."""

from __future__ import annotations

import pytest

from tributary.contracts import Guards
from tributary.errors import GuardError
from tributary.failures import classify
from tributary.ledger.guards import check_guards


def check(before: int | None, now: int, **guards: float) -> None:
    known = {} if before is None else {"orders": before}
    check_guards(
        known, {"orders": now}, {"orders": Guards.model_validate(guards)}, database="shop_eu", day="2013-01-02"
    )


@pytest.mark.parametrize(
    ("before", "now", "guards"),
    [
        (None, 0, {}),
        (None, 10**9, {}),
        (0, 0, {}),
        (0, 10**9, {}),
        (10_000, 5_000, {}),
        (10_000, 200_000, {}),
        (999, 1, {}),
        (999, 10**6, {}),
        (10_000, 100, {"shrink": 0.01}),
        (10_000, 0, {"shrink": 0}),
        (2, 1, {"small": 0}),
        (0, 10**6, {"small": 0}),
        (None, 10**6, {"small": 0}),
    ],
)
def test_a_believable_number_of_rows_passes(before: int | None, now: int, guards: dict[str, float]):
    check(before, now, **guards)


@pytest.mark.parametrize(
    ("before", "now", "guards", "says"),
    [
        (
            10_000,
            4_999,
            {},
            "10,000 rows in the last landed dump, 4,999 in this one, at least 5,000 expected (shrink: 0.5)",
        ),
        (10_000, 200_001, {}, "200,001 in this one, at most 200,000 expected (growth: 20)"),
        (10_000, 0, {}, "10,000 rows in the last landed dump, 0 in this one, which may not lose all"),
        (1, 0, {}, "1 rows in the last landed dump, 0 in this one, which may not lose all"),
        (1_000, 499, {}, "at least 500 expected"),
        (10, 8, {"shrink": 0.9, "small": 10}, "at least 9 expected (shrink: 0.9)"),
    ],
)
def test_an_unlikely_number_of_rows_fails_with_both_figures_and_the_limit(
    before: int, now: int, guards: dict[str, float], says: str
):
    with pytest.raises(GuardError) as error:
        check(before, now, **guards)
    assert f"orders: {before:,} rows" in str(error.value)
    assert says in str(error.value)
    assert "start a run of elt__shop_eu for that day with `force`" in str(error.value)
    assert classify(error.value).kind.value == "permanent"


def test_every_table_at_fault_is_named():
    guards = dict.fromkeys(("a", "b", "c"), Guards())
    with pytest.raises(GuardError) as error:
        check_guards({"a": 5, "b": 5, "c": 5}, {"a": 0, "b": 5, "c": 0}, guards, database="d", day="2013-01-02")
    assert str(error.value).startswith("a: 5 rows")
    assert "; c: 5 rows" in str(error.value)
    assert "b: " not in str(error.value)


# Rows by day of January: departures of the simulated airport with most of them, and lines of the shop with most.
DEPARTURES = {1: 305, 2: 655, 3: 991, 4: 1_330, 5: 1_568, 10: 3_225, 31: 9_893}
LINES = {day: 378 * day for day in range(1, 32)}


@pytest.mark.parametrize("rows", [DEPARTURES, LINES])
def test_the_defaults_let_a_record_that_grows_by_the_day_pass_whichever_days_are_loaded(rows: dict[int, int]):
    for first, before in rows.items():
        for day, now in rows.items():
            if day >= first:
                check(before, now)
