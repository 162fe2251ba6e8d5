"""Whether BigQuery would take a statement: Google's own analyzer of GoogleSQL reads it and checks its names and types.

The emulator translates SQL for DuckDB, which knows more than BigQuery and minds less. The analyzer is the package
`zetasql`, Google's code as WebAssembly; it knows tables by their columns and runs nothing. docs/googlesql.md says what
that proves, and what it does not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from zetasql import types as z
from zetasql.core.exceptions import ServerError

from tests.support.analyzer import analyze, service
from tests.support.statements import Statement, distinct

# What BigQuery has of the language beyond its core, as far as it is used here. The analyzer knows more, such as what
# Spanner has. Who needs a further one looks it up in BigQuery's reference first, and adds it.
# https://cloud.google.com/bigquery/docs/reference/standard-sql
_FEATURES = """
    ANALYTIC_FUNCTIONS BIGNUMERIC_TYPE CIVIL_TIME CONCAT_MIXED_TYPES CREATE_TABLE_AS_SELECT_COLUMN_LIST
    CREATE_TABLE_CLUSTER_BY CREATE_TABLE_FIELD_ANNOTATIONS CREATE_TABLE_NOT_NULL CREATE_TABLE_PARTITION_BY
    DATE_ARITHMETICS DATE_TIME_CONSTRUCTORS DECIMAL_ALIAS DML_UPDATE_WITH_JOIN EXTENDED_DATE_TIME_SIGNATURES
    FORMAT_IN_CAST GEOGRAPHY HAVING_IN_AGGREGATE INTERVAL_TYPE IS_DISTINCT JSON_ARRAY_FUNCTIONS JSON_TYPE
    JSON_VALUE_EXTRACTION_FUNCTIONS LIMIT_IN_AGGREGATE NULLS_FIRST_LAST_IN_ORDER_BY
    NULL_HANDLING_MODIFIER_IN_AGGREGATE NULL_HANDLING_MODIFIER_IN_ANALYTIC NUMERIC_TYPE OMIT_INSERT_COLUMN_LIST
    ORDER_BY_IN_AGGREGATE PARAMETERIZED_TYPES QUALIFY SAFE_FUNCTION_CALL SELECT_STAR_EXCEPT_REPLACE WITH_ON_SUBQUERY
"""
_LANGUAGE = z.LanguageOptions(
    product_mode=z.ProductMode.PRODUCT_EXTERNAL,
    enabled_language_features=[z.LanguageFeature[f"FEATURE_{name}"] for name in _FEATURES.split()],
    reserved_keywords=["QUALIFY"],
)
_FUNCTIONS = z.ZetaSQLBuiltinFunctionOptions(language_options=_LANGUAGE)
# Options of tables, columns and exports; any other is refused.
_OPTIONS = {
    **{"description": "STRING", "expiration_timestamp": "TIMESTAMP", "partition_expiration_days": "FLOAT64"},
    **{"uri": "STRING", "format": "STRING", "compression": "STRING", "overwrite": "BOOL"},
}
# Views that BigQuery has in each dataset. https://cloud.google.com/bigquery/docs/information-schema-columns
_VIEWS = {
    "COLUMNS": {
        **dict.fromkeys(("table_catalog", "table_schema", "table_name", "column_name"), "STRING"),
        "ordinal_position": "INT64",
        **dict.fromkeys(("is_nullable", "data_type"), "STRING"),
    }
}

# BigQuery takes a whole path in one pair of back-ticks; the analyzer leaves that to the engine.
_PATH = re.compile(r"`([\w-]+)\.([\w-]+)(?:\.([\w-]+))?`")
# The analyzer resolves statements, not the variables of a script.
_DECLARE = re.compile(rb"declare\s+(?P<name>\w+)\s+(?P<type>\S.*?)\s+default\s+(?P<value>[^;]*);", re.I | re.S)
_BLANK = re.compile(rb"(?:\s|--[^\n]*|/\*.*?\*/)*", re.S)


Tables = dict[tuple[str, str], dict[str, z.Type]]
"""The types of columns, by dataset and table."""


class GoogleSql:
    """The analyzer, with the tables that it knows: those it is told of, and those that a statement makes."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._told: Tables = {}
        self._made: list[tuple[tuple[str, str], dict[str, z.Type]]] = []

    def add_table(self, dataset: str, table: str, columns: Mapping[str, str]) -> None:
        """Tell of a table or view, by the types of its columns."""
        self._told[dataset, table] = {name: type_of(data_type) for name, data_type in columns.items()}

    @property
    def other_types(self) -> set[str]:
        """Columns that a statement would make of another type than they are known to have."""
        known = self._tables()
        return {
            f"{'.'.join(table)}.{name}"
            for table, columns in self._made
            for name, type in columns.items()
            if type != known[table].get(name, type)
        }

    def refusals(self, statements: Iterable[Statement], at_once: int = 1) -> dict[str, str]:
        """The texts that the analyzer refuses, with its reasons. What a statement makes, the others may read.

        Of those that differ in comments and days alone one stands for all (`distinct`). `at_once` processors may be
        busy with it.
        """
        left, known = distinct(statements), -1
        refused: dict[Statement, str] = {}
        with ThreadPoolExecutor(at_once) as pool:
            # A further thread has the analyzer to start.
            in_parts = pool.map if at_once > 1 else map
            while left and known != len(tables := self._tables()):
                known = len(tables)
                sessions = [_Session(self._project, tables) for _ in range(at_once)]
                parts = in_parts(_Session.refusals, sessions, (left[number::at_once] for number in range(at_once)))
                refused = {statement: why for part in parts for statement, why in part.items()}
                for session in sessions:
                    self._made += session.made
                left = [statement for statement in left if statement in refused]
        return {statement.sql: refused[statement] for statement in left}

    def _tables(self) -> Tables:
        return dict(reversed(self._made)) | self._told


class _Session:
    """Some statements, in one thread, with the tables that there are; `made` is what they would make."""

    def __init__(self, project: str, tables: Tables) -> None:
        self._project = project
        self._tables = tables
        self._variables: dict[str, z.Type] = {}
        self._catalog: int | None = None
        self.made: list[tuple[tuple[str, str], dict[str, z.Type]]] = []

    def refusals(self, statements: Sequence[Statement]) -> dict[Statement, str]:
        """Those that are refused, with the reasons."""
        return {statement: why for statement in statements if (why := self._refusal(statement))}

    def _refusal(self, statement: Statement) -> str:
        options = _options(dict(statement.parameters))
        text, position = _PATH.sub(_in_parts, statement.sql).encode(), 0
        try:
            while (position := _end(_BLANK, text, position)) < len(text):
                if declared := _DECLARE.match(text, position):
                    self._declare(**{part: found.decode() for part, found in declared.groupdict().items()})
                    position = declared.end()
                    continue
                location = z.ParseResumeLocation(input=text.decode(), byte_position=position)
                answer = analyze(
                    options=options, registered_catalog_id=self._registered(), parse_resume_location=location
                )
                if answer.resolved_statement.WhichOneof("node") == "resolved_create_statement_node":
                    self._keep_table(_without_query(answer.resolved_statement))
                position = answer.resume_byte_position
        except ServerError as error:
            return str(error.raw_error)
        return ""

    def _declare(self, name: str, type: str, value: str) -> None:
        """Make a variable known. Raises ServerError where its value has not its type."""
        # A variable is a constant of the catalog: as in BigQuery, a column of that name comes first.
        expression = f"select if(true, cast(null as {type}), {value})"
        answer = analyze(options=_options({}), registered_catalog_id=self._registered(), sql_statement=expression)
        if _type_selected(answer) != type_of(type):
            raise ServerError.from_error_string(f"Code: 3, Message: {name}: {value} is no {type}")
        if self._variables.get(name) != type_of(type):
            self._variables[name] = type_of(type)
            self._catalog = None

    def _keep_table(self, made: Any) -> None:
        if not isinstance(made, z.ResolvedCreateTableStmtBase | z.ResolvedCreateViewBase):
            return
        if isinstance(made, z.ResolvedCreateViewBase):
            columns = {column.name: column.column.type for column in made.output_column_list}
        else:
            columns = {column.name: column.type for column in made.column_definition_list}
        dataset, table = made.name_path[-2:]
        self.made.append(((dataset, table), columns))

    def _registered(self) -> int:
        """The number of a catalog with all tables that are known."""
        if self._catalog is None:
            datasets = defaultdict(list)
            for number, ((dataset, table), columns) in enumerate(self._tables.items(), 1):
                datasets[dataset].append(_table(number, table, columns))
            views = [
                _table(number, view, {name: type_of(data_type) for name, data_type in columns.items()})
                for number, (view, columns) in enumerate(_VIEWS.items(), len(self._tables) + 1)
            ]
            own = z.SimpleCatalog(name="INFORMATION_SCHEMA", table=views)
            named = [z.SimpleCatalog(name=name, table=tables, catalog=[own]) for name, tables in datasets.items()]
            constants = [z.SimpleConstant(name_path=[name], type=type) for name, type in self._variables.items()]
            catalog = z.SimpleCatalog(
                name="bigquery",
                catalog=[*named, z.SimpleCatalog(name=self._project, catalog=named)],
                constant=constants,
                builtin_function_options=_FUNCTIONS,
            )
            self._catalog = service().register_catalog(simple_catalog=catalog).registered_id
        return self._catalog


@cache
def type_of(data_type: str) -> z.Type:
    """A type by the name that BigQuery has for it, such as `ARRAY<STRING>`."""
    answer = analyze(
        options=z.AnalyzerOptions(language_options=_LANGUAGE),
        simple_catalog=z.SimpleCatalog(name="types", builtin_function_options=_FUNCTIONS),
        sql_statement=f"select cast(null as {data_type})",
    )
    return _type_selected(answer)


def told(refused: Mapping[str, str]) -> str:
    """The refused statements, as people read them."""
    return "\n\n".join(
        (f"{len(refused)} statements are no GoogleSQL:", *(f"{why}\n{sql}" for sql, why in refused.items()))
    )


def _without_query(created: Any) -> Any:
    """What a statement creates, but not from what."""
    kind = created
    while "node" in kind.DESCRIPTOR.oneofs_by_name:
        kind = getattr(kind, kind.WhichOneof("node"))
    for part in (kind, kind.parent):
        if "query" in part.DESCRIPTOR.fields_by_name:
            part.ClearField("query")
    return z.parse_proto(created)


def _type_selected(answer: Any) -> z.Type:
    return z.parse_proto(answer.resolved_statement).output_column_list[0].column.type


def _options(parameters: Mapping[str, str]) -> z.AnalyzerOptions:
    allowed = [z.AllowedHintsAndOptions.Option(name=name, type=type_of(kind)) for name, kind in _OPTIONS.items()]
    return z.AnalyzerOptions(
        language_options=_LANGUAGE,
        error_message_mode=z.ErrorMessageMode.ERROR_MESSAGE_MULTI_LINE_WITH_CARET,
        query_parameters=[
            z.AnalyzerOptions.QueryParameter(name=name, type=type_of(kind)) for name, kind in parameters.items()
        ],
        allowed_hints_and_options=z.AllowedHintsAndOptions(disallow_unknown_options=True, option=allowed),
    )


def _table(number: int, name: str, columns: Mapping[str, z.Type]) -> z.SimpleTable:
    listed = [z.SimpleColumn(name=column, type=type) for column, type in columns.items()]
    return z.SimpleTable(name=name, serialization_id=number, column=listed)


def _in_parts(path: re.Match[str]) -> str:
    return ".".join(f"`{part}`" for part in path.groups() if part)


def _end(pattern: re.Pattern[bytes], text: bytes, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
