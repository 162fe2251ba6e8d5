"""Suite files: the rules that people write, in the serialised form of Great Expectations.

A file holds the tables of one layer of one app, `include/gx/<app>/<layer>.yaml`:

    tables:
      orders:
        key: [order_id]            # may be left out in the raw layer, whose keys the contract knows
        expectations:
          - type: expect_column_values_to_be_between
            kwargs: {column: price, min_value: 0}
            meta: {rule: price_not_negative}

A rule that needs a value of the run names it, `min_value: {$PARAMETER: previous_rows}`, and is
not applied to a run that has no such value. The query of an `unexpected_rows_expectation` reads
its own table as `{batch}`, another table of the dataset as `{<table>}`, and selects nothing but
the columns of `key`, so that a failure never carries the content of rows. In the consolidated layer
`{batch}` has the databases that are built anew, and `{unchanged}` the table's rows of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError as PydanticError

from tributary.contracts import Contract
from tributary.quality.contract_rules import contract_expectations
from tributary.quality.rules import UNEXPECTED_ROWS, Layer, Rule, SuiteError, Suites, TableSuite
from tributary.registry import INCLUDE
from tributary.strict_yaml import read_yaml, show

# Doubled braces are literal braces in a query of Great Expectations.
PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_SELECT = re.compile(r"^\s*select\s+(?:distinct\s+)?(?P<columns>.+?)\s+from\s", re.IGNORECASE | re.DOTALL)


def suite_path(app: str, layer: Layer, include: Path = INCLUDE) -> Path:
    """Where the hand-written rules of an app's layer lie; the file may be missing."""
    return include / "gx" / app / f"{layer}.yaml"


def suites_for(contract: Contract, layer: Layer, include: Path = INCLUDE) -> Suites:
    """Every rule of a layer: those that the contract implies, then those of the suite file.

    An app without a suite file has the rules of its contract alone. Raises as `load_suites` does.
    """
    derived = contract_expectations(contract, layer)
    path = suite_path(contract.app, layer, include)
    return derived.merged(load_suites(path, layer=layer, contract=contract)) if path.is_file() else derived


def load_suites(path: Path, *, layer: Layer, contract: Contract) -> Suites:
    """Read one suite file.

    Raises RegistryError for a file that is missing or is not YAML, SuiteError for anything in it
    that is not of the expected form, that names a column or table which cannot exist, or that
    would let the content of rows into a result.
    """
    data = read_yaml(path).data
    try:
        suites = Suites.model_validate({**data, "layer": layer})
    except PydanticError as error:
        faults = [_fault(path, data, fault) for fault in error.errors(include_url=False)]
        raise SuiteError("; ".join(faults)) from None
    tables = {name: _checked(path, name, suite, suites, contract) for name, suite in suites.tables.items()}
    return Suites(layer=layer, tables=tables)


def _fault(path: Path, data: Mapping[str, Any], fault: Mapping[str, Any]) -> str:
    """A refusal of pydantic in a person's words: file, table, rule, key, found, expected."""
    parts = list(map(str, fault["loc"]))
    rule = ""
    if parts[2:3] == ["expectations"] and len(parts) > 3:
        entry = data["tables"][parts[1]]["expectations"][int(parts[3])]
        meta = entry.get("meta") if isinstance(entry, dict) else None
        name = meta.get("rule") if isinstance(meta, dict) else None
        rule = f" rule {name or 'number ' + str(int(parts[3]) + 1)}:"
        parts = [*parts[:2], *parts[4:]]
    table, key = ".".join(parts[:2]) or "the file", ".".join(parts[2:])
    expected = "unknown key, expected those of the example in tributary/quality/suites.py"
    message = expected if fault["type"] == "extra_forbidden" else fault["msg"]
    return f"{show(path)}: {table}:{rule}{f' {key}:' if key else ''} found {fault['input']!r:.80}: {message}"


def _checked(path: Path, name: str, suite: TableSuite, suites: Suites, contract: Contract) -> TableSuite:
    """The suite with its key and origins filled in. Raises SuiteError; see `load_suites`."""
    at = f"{show(path)}: tables.{name}"
    raw = suites.layer == "raw"
    known_tables = tuple(contract.tables) if raw else contract.mart_names
    if name not in known_tables:
        raise SuiteError(
            f"{at}: found a table that contracts/{contract.app}.yaml does not know, "
            f"expected one of {', '.join(known_tables)}"
        )
    table = contract.tables.get(name)
    key = suite.key or (table.primary_key if table and raw else ())
    if not key:
        raise SuiteError(f"{at}: key: found none, expected columns that name a row, like `key: [order_id]`")
    personal = _personal(contract)
    _refuse_personal(key, personal, f"{at}: key")
    rules: dict[str, Rule] = {}
    for rule in suite.expectations:
        where = f"{at}: rule {rule.name}"
        if rule.name in rules:
            raise SuiteError(f"{where}: meta.rule: the name stands twice in the table, expected it once")
        rules[rule.name] = rule.model_copy(update={"origin": show(path)})
        if "row_condition" in rule.kwargs:
            raise SuiteError(f"{where}: kwargs.row_condition: expected none, the checkpoint sets it")
        if rule.type == UNEXPECTED_ROWS:
            _check_query(rule, where, key, known_tables, suites.layer)
        query_words = re.findall(r"\w+", str(rule.kwargs.get("unexpected_rows_query", "")))
        _refuse_personal((*rule.columns, *query_words), personal, f"{where}: kwargs")
        for column in rule.columns if raw and table else ():
            if table and column not in table.columns:
                raise SuiteError(
                    f"{where}: kwargs: found column {column!r}, expected one of the contract's: "
                    f"{', '.join(table.selected_columns)}"
                )
    return TableSuite(key=key, expectations=tuple(rules.values()))


def _refuse_personal(columns: Iterable[str], personal: set[str], at: str) -> None:
    for column in columns:
        if column in personal:
            raise SuiteError(
                f"{at}: found column {column!r}, which the contract calls personal; "
                "expected columns that are not personal: only those are copied"
            )


def _personal(contract: Contract) -> set[str]:
    """Names of columns that are personal in a table and not public in another one."""
    tables = contract.tables.values()
    public = {column for table in tables for column in table.selected_columns}
    return {column for table in tables for column in table.columns} - public


def _check_query(rule: Rule, where: str, key: tuple[str, ...], known_tables: tuple[str, ...], layer: Layer) -> None:
    query = rule.kwargs.get("unexpected_rows_query")
    at = f"{where}: kwargs.unexpected_rows_query"
    match = _SELECT.match(query) if isinstance(query, str) else None
    if not match:
        raise SuiteError(f"{at}: found {query!r:.80}, expected SQL that selects {', '.join(key)}")
    selected = [column.strip().rpartition(".")[2] for column in match["columns"].split(",")]
    if selected != list(key):
        raise SuiteError(f"{at}: found {', '.join(selected)}, expected the key alone: {', '.join(key)}")
    placeholders = set(PLACEHOLDER.findall(str(query)))
    known = {*known_tables, "batch", *(("unchanged",) if layer == "consolidated" else ())}
    unknown = sorted(placeholders - known)
    if unknown or "batch" not in placeholders:
        found = f"{{{unknown[0]}}}" if unknown else "no {batch}"
        raise SuiteError(
            f"{at}: found {found}, expected {{batch}} for the rule's own table, and beside it only "
            f"tables of the dataset: {', '.join(known_tables)}"
        )
