"""The rules that follow from a contract, so that an app without a suite file is checked as well.

Raw layer: the column set and types (`TableSuite.columns`), values where the contract allows no
empty ones, allowed values of enums, the form of hashes and masks, a unique primary key, and the row
count for the record.
Marts and consolidated: their columns are dbt's business; what the contract implies is the unique
key of the marts that mirror a production table, and the row count.
"""

from __future__ import annotations

from collections.abc import Iterable

from tributary.contracts import Contract, Table
from tributary.dumps.words import words_of
from tributary.naming import DATABASE_COLUMN
from tributary.privacy.ways import Personal
from tributary.quality.rules import Layer, Meta, Rule, Suites, TableSuite
from tributary.quality.schema import bigquery_types

PARTITION_COLUMN = "_dump_date"
# By which a clear value that came to raw otherwise is noticed.
_CONCEALED = {Personal.hash: ("hashed", "^[0-9a-f]{64}$"), Personal.mask: ("masked", "^[*]{4}")}


def contract_expectations(contract: Contract, layer: Layer) -> Suites:
    """The rules of a layer that need no suite file: see above; `origin` of each is the contract."""
    origin = f"include/contracts/{contract.app}.yaml"
    if layer == "raw":
        return Suites(layer=layer, tables={name: _raw(table, origin) for name, table in contract.tables.items()})
    prefix = (DATABASE_COLUMN,) if layer == "consolidated" else ()
    tables = {}
    for name in contract.mart_names:
        table = contract.tables.get(name)
        key = (*prefix, *table.primary_key) if table else ()
        words = rule_words(key)
        not_null = [_not_null(column, origin, words[column]) for column in key]
        rules = (_row_count(origin), *_unique(key, origin), *not_null)
        tables[name] = TableSuite(key=key, expectations=rules)
    return Suites(layer=layer, tables=tables)


def _raw(table: Table, origin: str) -> TableSuite:
    selected = {name: table.columns[name] for name in table.selected_columns}
    rules = [_row_count(origin), *_unique(table.primary_key, origin)]
    words = rule_words(selected)
    for name, column in selected.items():
        if not column.nullable:
            rules.append(_not_null(name, origin, words[name]))
        if column.is_concealed and column.personal in _CONCEALED and bigquery_types(column.copied_type) == {"STRING"}:
            rule, form = _CONCEALED[column.personal]
            said = {"column": name, "regex": form}
            rules.append(_rule("expect_column_values_to_match_regex", f"{words[name]}_{rule}", origin, **said))
        if column.copied_type.startswith("enum("):
            values = [word.text for word in words_of(column.copied_type) if word.is_string]
            known = {"column": name, "value_set": values}
            rules.append(_rule("expect_column_values_to_be_in_set", f"{words[name]}_known", origin, **known))
    columns = {name: bigquery_types(column.copied_type) for name, column in selected.items()}
    return TableSuite(key=table.primary_key, expectations=tuple(rules), columns=columns)


def _unique(key: tuple[str, ...], origin: str) -> list[Rule]:
    rules = []
    if len(key) == 1:
        rules.append(_rule("expect_column_values_to_be_unique", "key_unique", origin, column=key[0]))
    elif key:
        columns = list(key)
        rules.append(_rule("expect_compound_columns_to_be_unique", "key_unique", origin, column_list=columns))
    return rules


def rule_words(columns: Iterable[str]) -> dict[str, str]:
    """By column, how the names of its rules begin: each another one, and of a form that such names may have."""
    words: dict[str, str] = {}
    for column in columns:
        word = column.lower().lstrip("_")
        # A rule's name has 80 characters.
        word = (word if word[:1].isalpha() else f"column_{word}")[:60]
        words[column] = word if word not in words.values() else f"{word}_{len(words)}"
    return words


def _not_null(column: str, origin: str, word: str) -> Rule:
    return _rule("expect_column_values_to_not_be_null", f"{word}_not_null", origin, column=column)


def _row_count(origin: str) -> Rule:
    # Holds for every table: the count is the point, it goes into the record of the run.
    return _rule("expect_table_row_count_to_be_between", "row_count", origin, min_value=0)


def _rule(type_: str, name: str, origin: str, **kwargs: object) -> Rule:
    return Rule(type=type_, kwargs=kwargs, meta=Meta(rule=name), origin=origin)
