"""Two stages, table by table: rows first, then content."""

from __future__ import annotations

import pytest

from tributary.errors import StageMismatchError
from tributary.ledger.checksums import Content
from tributary.ledger.compare import check_same_content, check_same_rows


def same_content(expected: dict[str, Content], found: dict[str, Content]) -> tuple[str, ...]:
    return check_same_content(expected, found, expected_in="staging", found_in="raw", advice="Clear sync.")


def test_equal_counts_pass():
    check_same_rows({"a": 1, "b": 0}, {"b": 0, "a": 1}, expected_in="x", found_in="y", advice="")


@pytest.mark.parametrize(
    ("expected", "found", "says"),
    [
        ({"a": 1200}, {"a": 1199}, "a: 1,200 rows in the dump, 1,199 rows in raw"),
        ({"a": 1}, {}, "a: 1 rows in the dump, no such table in raw"),
        ({}, {"z": 0}, "z: no such table in the dump, 0 rows in raw"),
    ],
)
def test_a_difference_names_table_and_figures(expected: dict[str, int], found: dict[str, int], says: str):
    with pytest.raises(StageMismatchError) as error:
        check_same_rows(expected, found, expected_in="the dump", found_in="raw", advice="Clear sync.")
    assert says in str(error.value)
    assert str(error.value).endswith("Clear sync.")


def test_equal_content_passes():
    assert same_content({"a": Content(2, "f-1-2")}, {"a": Content(2, "f-1-2")}) == ()


def test_other_content_names_table_and_both_checksums():
    expected = {"a": Content(1200, "f-1-2"), "b": Content(1, "f-5-6")}
    with pytest.raises(StageMismatchError) as error:
        same_content(expected, {"a": Content(1200, "f-1-3"), "b": Content(1, "f-5-6")})
    assert str(error.value) == (
        "a: the same 1,200 rows, but other content: checksum f-1-2 in staging, f-1-3 in raw. Clear sync."
    )


def test_other_rows_are_told_as_such():
    with pytest.raises(StageMismatchError, match=r"a: 2 rows in staging, 3 rows in raw"):
        same_content({"a": Content(2, "f-1-2")}, {"a": Content(3, "f-1-2")})


def test_tables_without_comparable_checksums_are_named():
    expected = {"a": Content(2, "f-1-2"), "b": Content(2), "c": Content(2, "f-1-2")}
    assert same_content(expected, {"a": Content(2, "g-1-2"), "b": Content(2, "f-1-2"), "c": Content(2, "f-1-2")}) == (
        "a",
        "b",
    )
