"""MySQL types and their BigQuery counterparts: how each column is read, and what it becomes.

Follows Airbyte's mapping (docs.airbyte.com: source-mysql, destination-bigquery) with these differences, all
of them towards losing nothing:

- TINYINT(1) becomes INT64, never BOOL: MySQL lets it hold -128..127. Airbyte makes it BOOL unless the
  source's ``jdbc_url_params`` say ``tinyInt1isBit=false``; say so there to get the same from both.
- BIGINT UNSIGNED becomes NUMERIC, which holds all of it.
- DECIMAL becomes NUMERIC when it fits (at most 29 digits before the point and 9 after), else STRING.
  BigQuery has BIGNUMERIC for some of those; the emulator has not.
- FLOAT and DOUBLE become FLOAT64; FLOAT is widened exactly: 3.14159 is 3.141590118408203, as in MySQL's own arithmetic.
  Airbyte makes them NUMERIC, which has nine digits after the point.
- DECIMAL without digits after the point becomes NUMERIC, too. Airbyte makes it INT64.
- JSON becomes JSON, and binary columns and BIT(2) to BIT(64) become BYTES. Airbyte makes them STRING: all but JSON in
  base 64.

What BigQuery cannot hold (zero dates, TIME outside 00:00:00..23:59:59.999999) becomes NULL, is listed in
the row's ``_airbyte_meta.changes`` and counted in the job's log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from localcloud.airbyte.catalog import SourceColumn
from localcloud.airbyte.names import safe_name

NUMERIC_WHOLE_DIGITS = 29
NUMERIC_SCALE = 9


@dataclass(frozen=True)
class Column:
    """One column on its way.

    *read* is a MySQL expression. *convert* is a DuckDB expression on its result, in which ``{}`` stands for
    the column. *fallible* says that *convert* makes NULL of what BigQuery cannot hold.
    """

    name: str
    bigquery_type: str
    read: str
    convert: str = "{}"
    fallible: bool = False

    @property
    def duckdb_name(self) -> str:
        """The column's name in the source, quoted for DuckDB."""
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def target(self) -> str:
        """The column's name in BigQuery."""
        return safe_name(self.name)

    def converted(self) -> str:
        """The DuckDB expression of its final value."""
        return self.convert.replace("{}", self.duckdb_name)


def mysql_quoted(name: str) -> str:
    """*name* as a MySQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def column_for(source: SourceColumn) -> Column:
    """How *source* is read and what it becomes."""
    name, kind, field = source.name, source.data_type, mysql_quoted(source.name)
    as_text = f"cast({field} as char)"
    if source.is_json:
        return Column(name, "JSON", as_text)
    if kind == "bigint" and "unsigned" in source.column_type:
        return Column(name, "NUMERIC", field, "cast({} as decimal(20, 0))")
    if kind in ("tinyint", "smallint", "mediumint", "int", "bigint", "year"):
        return Column(name, "INT64", field, "cast({} as bigint)")
    if kind == "decimal":
        return _decimal(name, as_text, source.precision or 10, source.scale or 0)
    if kind in ("float", "double"):
        return Column(name, "FLOAT64", field, "cast({} as double)")
    if kind == "bit":
        return _bit(name, field, source.column_type)
    if kind == "date":
        return Column(name, "DATE", as_text, "try_cast({} as date)", fallible=True)
    if kind == "datetime":
        return Column(name, "DATETIME", as_text, "try_cast({} as timestamp)", fallible=True)
    if kind == "timestamp":
        return Column(name, "TIMESTAMP", as_text, "try_cast({} || '+00' as timestamptz)", fallible=True)
    if kind == "time":
        return Column(name, "TIME", as_text, "nullif(try_cast({} as time), time '24:00:00')", fallible=True)
    if kind in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"):
        return Column(name, "BYTES", f"hex({field})", "unhex({})")
    if kind in ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"):
        return Column(name, "STRING", f"convert({field} using utf8mb4)", "cast({} as varchar)")
    if kind in (
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
    ):
        return Column(name, "STRING", f"st_astext({field})", "cast({} as varchar)")
    return Column(name, "STRING", as_text, "cast({} as varchar)")


def _decimal(name: str, as_text: str, precision: int, scale: int) -> Column:
    if scale <= NUMERIC_SCALE and precision - scale <= NUMERIC_WHOLE_DIGITS:
        # The source's own precision: DuckDB parses text into wide decimals a hundred times slower.
        return Column(name, "NUMERIC", as_text, f"cast({{}} as decimal({precision}, {scale}))")
    return Column(name, "STRING", as_text)


def _bit(name: str, field: str, column_type: str) -> Column:
    found = re.search(r"\d+", column_type)
    bits = int(found[0]) if found else 1
    if bits == 1:
        return Column(name, "BOOL", f"{field} + 0", "cast({} as boolean)")
    # hex() of a BIT is that of its number, without leading zeros.
    digits = 2 * ((bits + 7) // 8)
    return Column(name, "BYTES", f"lpad(hex({field}), {digits}, '0')", "unhex({})")
