"""Which rows break a rule, as GoogleSQL. Pure.

Great Expectations tells at most 200 rows of a rule that does not hold; here a rule becomes a query
for the keys of all of them. Each translation follows what Great Expectations itself asks BigQuery,
down to what NULL means: a comparison that gives NULL breaks no rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tributary.quality.rules import UNEXPECTED_ROWS, Rule
from tributary.quality.suites import PLACEHOLDER

# The rows of a table as a subquery in brackets, such as "(select * from `raw__shop_eu`.`orders`)".
Rows = Callable[[str], str]

_DOUBLED_BRACE = re.compile(r"([{}])\1")


class UntranslatableError(ValueError):
    """There is no SQL for a rule, so its rows cannot be set aside; says why."""


@dataclass(frozen=True)
class BrokenRows:
    """A query for the key columns of the rows that break a rule, and its named parameters.

    `sees_other_rows`: the removal of rows can make further ones break the rule.
    """

    sql: str
    values: dict[str, Any]
    sees_other_rows: bool


@dataclass(frozen=True)
class _Condition:
    """`bad` is true for the rows that break a rule; `counted` for those that `mostly` is a share of."""

    bad: str
    counted: str = "true"
    values: dict[str, Any] = field(default_factory=dict)
    window: str | None = None


def broken_rows(rule: Rule, *, table: str, key: Iterable[str], rows: Rows, prefix: str = "p") -> BrokenRows:
    """The query for the rows of a table that break a rule. Raises UntranslatableError.

    :param rows: gives the rows to look at, of this table and of those that the rule's own query names.
    :param prefix: begins the names of the query's parameters, so that several queries can be joined.
    """
    names = tuple(key)
    if not names:
        raise UntranslatableError("the table has no key, by which its rows could be named")
    if rule.parameters:
        raise UntranslatableError(f"it needs the run's {', '.join(sorted(rule.parameters))}")
    if rule.type == UNEXPECTED_ROWS:
        return _own_query(rule, table, rows)
    try:
        known, translate = _TRANSLATIONS[rule.type]
    except KeyError:
        raise UntranslatableError(f"there is no SQL for {rule.type}") from None
    strange = sorted(set(rule.kwargs) - known - {"mostly"})
    if strange:
        raise UntranslatableError(f"there is no SQL for {rule.type} with {', '.join(strange)}")
    condition = translate(rule.kwargs, prefix)
    columns = ", ".join(f"item.{quoted(column)}" for column in names)
    source, values = rows(table), dict(condition.values)
    if condition.window:
        source = f"(select *, {condition.window} from {source} as item)"  # noqa: S608
    where, mostly = condition.bad, rule.kwargs.get("mostly")
    if mostly is not None and mostly < 1:
        source = _with_counts(condition, source)
        where = f"item._bad and safe_divide(item._counted_rows - item._bad_rows, item._counted_rows) < @{prefix}_mostly"
        values[f"{prefix}_mostly"] = float(mostly)
    sql = f"select {columns} from {source} as item where {where}"  # noqa: S608 - names are the contract's
    return BrokenRows(sql, values, sees_other_rows=mostly is not None)


def _with_counts(condition: _Condition, source: str) -> str:
    """The rows, each with the figures that `mostly` is held against."""
    # Not countif: the emulator cannot use it over a window.
    bad = f"{condition.bad} as _bad, sum(if({condition.bad}, 1, 0)) over () as _bad_rows"
    counted = f"sum(if({condition.counted}, 1, 0)) over () as _counted_rows"
    return f"(select *, {bad}, {counted} from {source} as item)"  # noqa: S608


def key_text(key: Iterable[str], alias: str = "") -> str:
    """An expression for a row's key as JSON text, such as `{"order_id":7,"line":1}`; never NULL."""
    dot = f"{alias}." if alias else ""
    fields = ", ".join(f"{dot}{quoted(column)} as {quoted(column)}" for column in key)
    return f"to_json_string(struct({fields}))"


def quoted(name: str) -> str:
    """An identifier in back-ticks; names come from the contract, whose pattern leaves nothing to escape."""
    return f"`{name}`"


def _own_query(rule: Rule, table: str, rows: Rows) -> BrokenRows:
    """The query of a rule, which selects the key by itself; doubled braces in it are literal ones."""

    def of(match: re.Match[str]) -> str:
        return rows(table if match[1] == "batch" else match[1])

    query = PLACEHOLDER.sub(of, str(rule.kwargs["unexpected_rows_query"]))
    return BrokenRows(_DOUBLED_BRACE.sub(r"\1", query), {}, sees_other_rows=True)


def _not_null(kwargs: Mapping[str, Any], _: str) -> _Condition:
    return _Condition(f"item.{quoted(kwargs['column'])} is null")


def _null(kwargs: Mapping[str, Any], _: str) -> _Condition:
    return _Condition(f"item.{quoted(kwargs['column'])} is not null")


def _between(kwargs: Mapping[str, Any], prefix: str) -> _Condition:
    column = f"item.{quoted(kwargs['column'])}"
    bounds = {
        ">" if kwargs.get("strict_min") else ">=": ("min", kwargs.get("min_value")),
        "<" if kwargs.get("strict_max") else "<=": ("max", kwargs.get("max_value")),
    }
    values = {f"{prefix}_{name}": value for name, value in bounds.values() if value is not None}
    if not values:
        raise UntranslatableError("it has neither min_value nor max_value")
    tests = " and ".join(
        f"{column} {operator} @{prefix}_{name}" for operator, (name, value) in bounds.items() if value is not None
    )
    return _Condition(f"not ({tests})", f"{column} is not null", values)


def _in_set(kwargs: Mapping[str, Any], prefix: str) -> _Condition:
    """NULL in the set is left out, as in Great Expectations; from an empty set every value differs."""
    column, listed, values = _members(kwargs, prefix)
    bad = f"{column} not in ({listed})" if values else f"{column} is not null"
    return _Condition("false" if kwargs.get("value_set") is None else bad, f"{column} is not null", values)


def _not_in_set(kwargs: Mapping[str, Any], prefix: str) -> _Condition:
    column, listed, values = _members(kwargs, prefix)
    return _Condition(f"{column} in ({listed})" if values else "false", f"{column} is not null", values)


def _members(kwargs: Mapping[str, Any], prefix: str) -> tuple[str, str, dict[str, Any]]:
    members = [value for value in kwargs.get("value_set") or () if value is not None]
    values = {f"{prefix}_{number}": value for number, value in enumerate(members)}
    return f"item.{quoted(kwargs['column'])}", ", ".join(f"@{name}" for name in values), values


def _regex(kwargs: Mapping[str, Any], prefix: str) -> _Condition:
    column = f"item.{quoted(kwargs['column'])}"
    values = {f"{prefix}_regex": kwargs["regex"]}
    return _Condition(f"not regexp_contains({column}, @{prefix}_regex)", f"{column} is not null", values)


def _not_regex(kwargs: Mapping[str, Any], prefix: str) -> _Condition:
    column = f"item.{quoted(kwargs['column'])}"
    values = {f"{prefix}_regex": kwargs["regex"]}
    return _Condition(f"regexp_contains({column}, @{prefix}_regex)", f"{column} is not null", values)


def _unique(kwargs: Mapping[str, Any], _: str) -> _Condition:
    return _duplicates([kwargs["column"]], counted=f"item.{quoted(kwargs['column'])} is not null")


def _compound_unique(kwargs: Mapping[str, Any], _: str) -> _Condition:
    """A row with a NULL among the columns is no duplicate, as in Great Expectations."""
    columns = kwargs["column_list"]
    nulls = [f"item.{quoted(column)} is null" for column in columns]
    counted = {
        "all_values_are_missing": f"not ({' and '.join(nulls)})",
        "any_value_is_missing": f"not ({' or '.join(nulls)})",
        "never": "true",
    }
    return _duplicates(columns, counted=_ignoring(kwargs, counted, "all_values_are_missing"))


def _duplicates(columns: Iterable[str], counted: str) -> _Condition:
    """All rows of a duplicate are bad: nothing says which of them is the right one."""
    names = [quoted(column) for column in columns]
    there = " and ".join(f"item.{name} is not null" for name in names)
    partition = ", ".join(f"item.{name}" for name in names)
    window = f"count(*) over (partition by {partition}) as _copies"
    return _Condition(f"(item._copies > 1 and {there})", counted, window=window)


def _a_above_b(kwargs: Mapping[str, Any], _: str) -> _Condition:
    a, b = f"item.{quoted(kwargs['column_A'])}", f"item.{quoted(kwargs['column_B'])}"
    holds = f"{a} > {b}"
    if kwargs.get("or_equal"):
        holds = f"({a} >= {b} or ({a} is null and {b} is null))"
    return _pair(kwargs, a, b, holds)


def _a_equals_b(kwargs: Mapping[str, Any], _: str) -> _Condition:
    a, b = f"item.{quoted(kwargs['column_A'])}", f"item.{quoted(kwargs['column_B'])}"
    return _pair(kwargs, a, b, f"({a} = {b} and not ({a} is null or {b} is null))")


def _pair(kwargs: Mapping[str, Any], a: str, b: str, holds: str) -> _Condition:
    counted = {
        "both_values_are_missing": f"not ({a} is null and {b} is null)",
        "either_value_is_missing": f"not ({a} is null or {b} is null)",
        "neither": "true",
    }
    looked_at = _ignoring(kwargs, counted, "both_values_are_missing")
    return _Condition(f"({looked_at} and not ({holds}))", looked_at)


def _ignoring(kwargs: Mapping[str, Any], counted: Mapping[str, str], default: str) -> str:
    choice = kwargs.get("ignore_row_if", default)
    if choice not in counted:
        raise UntranslatableError(f"there is no SQL for ignore_row_if: {choice}")
    return counted[choice]


_PAIR = {"column_A", "column_B", "ignore_row_if"}
# By type of rule: the keyword arguments that its translation knows, and the translation.
_TRANSLATIONS: dict[str, tuple[set[str], Callable[[Mapping[str, Any], str], _Condition]]] = {
    "expect_column_values_to_not_be_null": ({"column"}, _not_null),
    "expect_column_values_to_be_null": ({"column"}, _null),
    "expect_column_values_to_be_between": (
        {"column", "min_value", "max_value", "strict_min", "strict_max"},
        _between,
    ),
    "expect_column_values_to_be_in_set": ({"column", "value_set"}, _in_set),
    "expect_column_values_to_not_be_in_set": ({"column", "value_set"}, _not_in_set),
    "expect_column_values_to_match_regex": ({"column", "regex"}, _regex),
    "expect_column_values_to_not_match_regex": ({"column", "regex"}, _not_regex),
    "expect_column_values_to_be_unique": ({"column"}, _unique),
    "expect_compound_columns_to_be_unique": ({"column_list", "ignore_row_if"}, _compound_unique),
    "expect_column_pair_values_a_to_be_greater_than_b": (_PAIR | {"or_equal"}, _a_above_b),
    "expect_column_pair_values_to_be_equal": (_PAIR, _a_equals_b),
}
