"""Whether BigQuery would take a statement: Google's own analyzer of GoogleSQL reads it and checks its names and types.

The emulator translates SQL for DuckDB, which knows more than BigQuery and minds less. The analyzer is the package
`zetasql`, Google's code as WebAssembly; it knows tables by their columns and runs nothing. docs/googlesql.md says what
that proves, and what it does not.
"""

from __future__ import annotations

import fcntl
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from zetasql import types as z
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.core.local_service import ZetaSqlLocalService

from tests.support.services import ROOT

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


@dataclass(frozen=True)
class Statement:
    """What is sent to BigQuery at once, several statements too, with the types of its parameters by their names."""

    sql: str
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_texts(cls, sql: str) -> Statement:
        """One whose parameters are all texts, as `ledger.store.execute` sends them."""
        return cls(sql, tuple((name, "STRING") for name in sorted(set(re.findall(r"@(\w+)", sql)))))


class GoogleSql:
    """The analyzer, with the tables that it knows: those it is told of, and those that a statement makes."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._tables: dict[tuple[str, str], dict[str, z.Type]] = {}
        self._variables: dict[str, z.Type] = {}
        self._catalog: int | None = None
        # Columns that a statement would make of another type than they are known to have.
        self.other_types: set[str] = set()

    def add_table(self, dataset: str, table: str, columns: Mapping[str, str]) -> None:
        """Tell of a table or view, by the types of its columns."""
        self._tables[dataset, table] = {name: type_of(data_type) for name, data_type in columns.items()}
        self._catalog = None

    def refusals(self, statements: Iterable[Statement]) -> dict[str, str]:
        """The texts that the analyzer refuses, with its reasons. What a statement makes, the others may read."""
        refused = dict.fromkeys(statements, "")
        while True:
            known = len(self._tables)
            refused = {statement: why for statement in refused if (why := self._refusal(statement))}
            if not refused or len(self._tables) == known:
                return {statement.sql: why for statement, why in refused.items()}
            self._catalog = None

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
                answer = _analyze(
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
        answer = _analyze(options=_options({}), registered_catalog_id=self._registered(), sql_statement=expression)
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
        known = self._tables.setdefault((dataset, table), columns)
        self.other_types |= {
            f"{dataset}.{table}.{name}" for name, type in columns.items() if type != known.get(name, type)
        }

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
def service() -> ZetaSqlLocalService:
    """The analyzer. The first one on a machine is compiled for a quarter of a minute, the next come from a cache."""
    folder = ROOT / ".local" / "googlesql"
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "cache.toml"
    make_config = wasm_client.Config

    def config_with_cache() -> Any:
        config = make_config()
        config.cache = str(settings)
        return config

    # Several processes of tests may want to compile it at once.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings.write_text(f'[cache]\ndirectory = "{folder}"\n')
        wasm_client.Config = config_with_cache
        try:
            return ZetaSqlLocalService()
        finally:
            wasm_client.Config = make_config


@cache
def type_of(data_type: str) -> z.Type:
    """A type by the name that BigQuery has for it, such as `ARRAY<STRING>`."""
    answer = _analyze(
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


def _analyze(**request: Any) -> Any:
    """The analyzer's answer as it comes: to make objects of all of it takes as long as the analysis."""
    asked = z.AnalyzeRequest(**request).to_proto()
    return service().wasm_client.call_grpc_func("ZetaSqlLocalService_Analyze", asked, z.AnalyzeResponse._PROTO_CLASS)


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
