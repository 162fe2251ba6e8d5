"""Rules, tests and times in words. Pure. What is code in them stands between backticks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tributary.quality.rules import UNEXPECTED_ROWS, Rule

_DAILY = re.compile(r"^(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) \* \* \*$")


def rule_in_words(rule: Rule) -> str:
    """What an expectation of Great Expectations asks for, as a sentence; any type that has no words here as it is."""
    said = rule.kwargs
    match rule.type:
        case "expect_table_row_count_to_be_between":
            if said == {"min_value": 0}:
                return "The rows are counted, for the record."
            return f"The table has {_between(said, 'rows')}."
        case "expect_column_values_to_not_be_null":
            return f"{_code(said['column'])} is never empty."
        case "expect_column_values_to_be_unique":
            return f"No two rows have the same {_code(said['column'])}."
        case "expect_compound_columns_to_be_unique":
            return f"No two rows have the same {_list(said['column_list'])}."
        case "expect_column_values_to_be_in_set":
            return f"{_code(said['column'])} is one of {_list(said['value_set'])}."
        case "expect_column_distinct_values_to_equal_set":
            return f"{_code(said['column'])} has all of these values and no other: {_list(said['value_set'])}."
        case "expect_column_values_to_be_between":
            return f"{_code(said['column'])} is {_between(said)}."
        case "expect_column_values_to_match_regex":
            return f"{_code(said['column'])} is of the form {_code(said['regex'])}."
        case "expect_column_pair_values_a_to_be_greater_than_b":
            than = "not less than" if said.get("or_equal") else "greater than"
            spared = ", where both are there" if said.get("ignore_row_if") == "either_value_is_missing" else ""
            return f"{_code(said['column_A'])} is {than} {_code(said['column_B'])}{spared}."
        case kind if kind == UNEXPECTED_ROWS:
            return f"{rule.name.replace('_', ' ').capitalize()}: its query finds no row."
    rest = ", ".join(f"{name} {_code(value)}" for name, value in said.items())
    return f"{rule.type.removeprefix('expect_').replace('_', ' ').capitalize()}: {rest}."


def test_in_words(kind: str, said: Mapping[str, Any], name_of: Mapping[str, str]) -> str:
    """What a generic test of the dbt project asks for, as sentences.

    :param name_of: names of models, as readers know the tables.
    """
    match kind:
        case "grain":
            one = len(said["key"]) == 1
            words = f"{_list(said['key'])} {'names' if one else 'together name'} a row"
            never = ", and is never empty." if one else ", and none of them is ever empty."
            words += f"; {_list(said['nullable'])} may be empty." if said.get("nullable") else never
            if other := said.get("one_row_per"):
                words += f" There is one row for each of {_code(_name(other, name_of))}."
            return words
        case "foreign_keys":
            within = f" of the same {_list(said['within'])}" if said.get("within") else ""
            found = [f"{_code(key)} is empty or in {_code(_name(to, name_of))}" for key, to in said["keys"].items()]
            return f"{'; '.join(found)}{within}."
        case "expressions_are_true":
            return f"In every row: {_list(said['expressions'], '; ')}."
        case "versions":
            have = "has" if len(said["key"]) == 1 else "together have"
            return (
                f"{_list(said['key'])} {have} one version at a time, each with its end and the reason for it. "
                f"As of the run's day there is one for each row of raw's {_code(said['table'])}."
            )
        case "totals_agree":
            other = _code(_name(said["other"], name_of))
            each = f", for each {_list(said['by'])}" if said.get("by") else ""
            sums = {mine: "the rows" if theirs == "1" else _code(theirs) for mine, theirs in said["totals"].items()}
            found = [f"{_code(mine)} adds up to {theirs} of {other}" for mine, theirs in sums.items()]
            return f"{'; '.join(found)}{each}."
        case "not_null":
            return f"{_code(said.get('column_name'))} is never empty."
        case "unique":
            return f"No two rows have the same {_code(said.get('column_name'))}."
    rest = ", ".join(f"{name} {_code(value)}" for name, value in said.items())
    return f"{kind.replace('_', ' ').capitalize()}{': ' if rest else ''}{rest}."


def ready_by(schedule: str, after: timedelta) -> str:
    """When a day's data is to be there: `05:00 UTC every day`; by the cron expression where that is not daily."""
    daily = _DAILY.match(schedule)
    if not daily:
        return f"{span(after)} after each tick of `{schedule}` (UTC)"
    minutes = int(daily["hour"]) * 60 + int(daily["minute"]) + round(after.total_seconds() / 60)
    days, minutes = divmod(minutes, 24 * 60)
    later = {0: "every day", 1: "on the day after"}.get(days, f"{days} days later")
    return f"{minutes // 60:02}:{minutes % 60:02} UTC {later}"


def starts_at(schedule: str) -> str:
    """When loading begins: `at 02:00 UTC every day`."""
    daily = _DAILY.match(schedule)
    return f"at {ready_by(schedule, timedelta())}" if daily else f"at each tick of `{schedule}` (UTC)"


def span(time: timedelta) -> str:
    """`3 hours`, `90 minutes`, `400 days`."""
    seconds = round(time.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        # Two days are better told as hours than a day and a half.
        if seconds % size == 0 and (unit != "day" or seconds > 2 * size):
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _between(said: Mapping[str, Any], unit: str = "") -> str:
    low, high, unit = said.get("min_value"), said.get("max_value"), f" {unit}" if unit else ""
    if low is not None and high is not None:
        return f"between {_code(low)} and {_code(high)}{unit}"
    if low is not None:
        return f"{'at least' if unit else 'not less than'} {_code(low)}{unit}"
    return f"{'at most' if unit else 'not more than'} {_code(high)}{unit}"


def _name(model: str, name_of: Mapping[str, str]) -> str:
    return name_of.get(model, model)


def _list(values: Any, between: str = ", ") -> str:
    if isinstance(values, list | tuple):
        return between.join(map(_code, values))
    return _code(values)


def _code(value: Any) -> str:
    """A value between backticks; one of the run's by what it is called."""
    if isinstance(value, Mapping) and "$PARAMETER" in value:
        value = value["$PARAMETER"]
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text.replace('`', chr(39))}`"
