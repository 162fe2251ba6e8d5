"""One checksum for what a table holds, the same in MySQL and in BigQuery. Pure: makes SQL, runs none.

Every row becomes one text: of each column, in the order of their names, `<length>:<text>`, or `-` for NULL. The
length counts characters, so neighbours cannot merge, and NULL differs from every value. Of that text's MD5, the
first 28 bits and the next 28 are each summed over all rows: sums do not care about order, and a row more or
less shows. (Two INT64 sums rather than a wide one: they hold 34 billion rows and need no other type.)

Each engine makes the text of a value by its type; `_MYSQL` pairs them. A column whose text is not the same in
both for certain is left out: FLOAT and DOUBLE, JSON, spatial types, binary columns that arrived as STRING, and
every pair of types that is not listed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# How BigQuery writes a value, by its type; `{}` is the column.
_DECIMAL = "regexp_extract(cast({} as string), r'^-?[0-9]+(?:[.][0-9]*[1-9])?')"
_BIGQUERY = {
    "INT64": "cast({} as string)",
    "BOOL": "cast(cast({} as int64) as string)",
    "NUMERIC": _DECIMAL,
    "BIGNUMERIC": _DECIMAL,
    "STRING": "{}",
    "BYTES": "to_hex({})",
    "DATE": "cast({} as string)",
    "DATETIME": "cast(datetime_diff({}, datetime '1970-01-01 00:00:00', microsecond) as string)",
    "TIMESTAMP": "cast(unix_micros({}) as string)",
    "TIME": "cast(time_diff({}, time '00:00:00', microsecond) as string)",
    # Only between two tables of BigQuery: MySQL writes such numbers otherwise.
    "FLOAT64": "cast({} as string)",
}
# Names that BigQuery has for them elsewhere.
_STANDARD = {"INTEGER": "INT64", "BOOLEAN": "BOOL", "FLOAT": "FLOAT64"}


@dataclass(frozen=True)
class _Form:
    """How MySQL writes a value, and how BigQuery does, by the type that the column has there."""

    mysql: str
    bigquery: Mapping[str, str]


def _form(mysql: str, *types: str) -> _Form:
    return _Form(mysql, {name: _BIGQUERY[name] for name in types})


# A date that no calendar has arrives as NULL: 0000-00-00, 2013-00-00, 2013-02-00.
_REAL_DAY = "if(least(year({{}}), month({{}}), dayofmonth({{}})) = 0, null, {})"
# Adding zero takes away ZEROFILL, and makes a number of a BIT or a YEAR.
_INTEGER = _form("cast({} + 0 as char)", "INT64", "NUMERIC", "BOOL")
_NARROW_DECIMAL = _form(
    "if(locate('.', cast({} + 0 as char)) = 0, cast({} + 0 as char), "
    "trim(trailing '.' from trim(trailing '0' from cast({} + 0 as char))))",
    "NUMERIC",
    "BIGNUMERIC",
    "INT64",  # Airbyte's, of whole numbers
)
_WIDE_DECIMAL = _Form(_NARROW_DECIMAL.mysql.replace(" + 0", ""), {"BIGNUMERIC": _DECIMAL, "STRING": _DECIMAL})
_TEXT = _form("convert({} using utf8mb4)", "STRING")
_BYTES = _form("lower(hex({}))", "BYTES")
# Values that may be long stand as their MD5, so that no row's text exceeds what a server takes at once.
_LONG_TEXT = _Form("md5(convert({} using utf8mb4))", {"STRING": "to_hex(md5({}))"})
_LONG_BYTES = _Form("md5({})", {"BYTES": "to_hex(md5({}))"})

_MYSQL = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"), _INTEGER),
    **dict.fromkeys(("bool", "boolean"), _INTEGER),
    **dict.fromkeys(("char", "varchar", "enum", "set"), _TEXT),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), _LONG_TEXT),
    **dict.fromkeys(("binary", "varbinary"), _BYTES),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), _LONG_BYTES),
    "date": _form(_REAL_DAY.format("cast({} as char)"), "DATE"),
    "datetime": _form(_REAL_DAY.format("cast(timestampdiff(microsecond, '1970-01-01', {}) as char)"), "DATETIME"),
    # The moment itself, whatever the session's time zone; MySQL's zero date is 0.
    "timestamp": _form("cast(nullif(cast(unix_timestamp({}) * 1000000 as signed), 0) as char)", "TIMESTAMP"),
    # MySQL's TIME may be negative or longer than a day, which arrives as NULL.
    "time": _form(
        "if({} >= '00:00:00' and {} < '24:00:00', cast((hour({}) * 3600 + minute({}) * 60 + second({})) * 1000000"
        " + microsecond({}) as char), null)",
        "TIME",
    ),
}
_DECIMALS = frozenset({"decimal", "numeric", "dec", "fixed"})
_MYSQL_TYPE = re.compile(r"^(?P<name>[a-z]+)(?:\s*\((?P<arguments>[^)]*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column of a checksum: its name, and the SQL of its text in each engine (`mysql`: where it comes from there)."""

    name: str
    bigquery: str
    mysql: str = ""


Tables = Mapping[str, tuple[Column, ...]]


@dataclass(frozen=True)
class Content:
    """What a stage holds of a table: its rows, and their checksum where the stage has one."""

    rows: int
    checksum: str | None = None


def shared_columns(mysql_types: Mapping[str, str], bigquery_types: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns whose text is the same in both engines.

    :param mysql_types: type by column, as in the contract.
    :param bigquery_types: type by column, as in `information_schema.columns`; columns that the contract
        lacks do not matter.
    """
    columns = []
    for name, mysql_type in sorted(mysql_types.items()):
        form = _form_of(mysql_type)
        bigquery = form.bigquery.get(_standard(bigquery_types.get(name, ""))) if form else None
        if form and bigquery:
            columns.append(Column(name, _filled(bigquery, name), _filled(form.mysql, name)))
    return tuple(columns)


def bigquery_columns(types: Mapping[str, str], without: Iterable[str] = ()) -> tuple[Column, ...]:
    """The columns by which a BigQuery table can be compared with another one; `types` as above."""
    left_out = frozenset(without)
    return tuple(
        Column(name, _filled(_BIGQUERY[_standard(kind)], name))
        for name, kind in sorted(types.items())
        if name not in left_out and _standard(kind) in _BIGQUERY
    )


def mysql_query(database: str, tables: Tables) -> str:
    """Rows and sums of every table, in one MySQL query; `contents_of` reads what it returns."""
    return "\nunion all\n".join(
        f"select '{table}', count(*), {_sums('conv(substr(digest, {}, 7), 16, 10)', 'unsigned')} "  # noqa: S608
        f"from (select md5({_row(column.mysql for column in columns)}) as digest "
        f"from `{database}`.`{table}`) as digests"
        for table, columns in tables.items()
    )


def bigquery_query(dataset: str, tables: Tables, condition: str = "true") -> str:
    """Rows and sums of every table, in one BigQuery query; `contents_of` reads what it returns.

    `condition` is a fixed piece of SQL with parameters, never a value.
    """
    return "\nunion all\n".join(
        f"select '{table}' as table_name, count(*) as row_count, {_BIGQUERY_SUMS} "  # noqa: S608
        f"from (select {_digest(columns)} as digest from `{dataset}`.`{table}` where {condition}) as digests"
        for table, columns in tables.items()
    )


def bigquery_query_by(column: str, dataset: str, tables: Tables, condition: str = "true") -> str:
    """The same for each value of a column that every table has; that value comes first."""
    return "\nunion all\n".join(
        f"select {column}, '{table}' as table_name, count(*) as row_count, {_BIGQUERY_SUMS} "  # noqa: S608
        f"from (select {column}, {_digest(columns)} as digest from `{dataset}`.`{table}` where {condition}) as digests "
        f"group by {column}"
        for table, columns in tables.items()
    )


def contents_of(rows: Iterable[Iterable[Any]], tables: Tables) -> dict[str, Content]:
    """By table, what such a query returned. A table without comparable columns has no checksum."""
    return {table: content(tables[table], count, *sums) for table, count, *sums in rows}


def content(columns: tuple[Column, ...], rows: int, *sums: Any) -> Content:
    """One table's rows and sums; the checksum begins with what tells which columns were summed, and how."""
    if not columns:
        return Content(int(rows))
    return Content(int(rows), "-".join((_fingerprint(columns), *(f"{int(part):x}" for part in sums))))


def comparable(checksum: str | None, other: str | None) -> bool:
    """Whether two checksums are there, and of the same columns in the same form."""
    return checksum is not None and other is not None and checksum.split("-")[0] == other.split("-")[0]


def _fingerprint(columns: tuple[Column, ...]) -> str:
    forms = repr([(column.name, column.bigquery) for column in columns])
    return hashlib.sha256(forms.encode()).hexdigest()[:8]


def _form_of(mysql_type: str) -> _Form | None:
    match = _MYSQL_TYPE.match(mysql_type.lower().strip())
    if not match:
        return None
    name, arguments = match["name"], match["arguments"]
    if name == "bit":
        bits = int(arguments or 1)
        # Several bits arrive as bytes; hex() of a BIT lacks the zeros in front.
        digits = 2 * ((bits + 7) // 8)
        return _INTEGER if bits == 1 else _form(f"lower(lpad(hex({{}}), {digits}, '0'))", "BYTES")
    if name in _DECIMALS:
        numbers = [int(number) for number in (arguments or "10").split(",")]
        precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
        # What NUMERIC holds without rounding.
        return _NARROW_DECIMAL if scale <= 9 and precision - scale <= 29 else _WIDE_DECIMAL
    return _MYSQL.get(name)


def _standard(bigquery_type: str) -> str:
    """`NUMERIC(10, 2)` -> `NUMERIC`, `INTEGER` -> `INT64`."""
    name = bigquery_type.split("(")[0].strip()
    return _STANDARD.get(name, name)


def _filled(form: str, column: str) -> str:
    return form.replace("{}", f"`{column}`")


def _row(texts: Iterable[str], as_text: str = "{}") -> str:
    """The text of a row, from those of its columns."""
    parts = [f"coalesce(concat({as_text.format(f'char_length({text})')}, ':', {text}), '-')" for text in texts]
    return f"concat({', '.join(parts)})" if parts else "''"


def _digest(columns: tuple[Column, ...]) -> str:
    return f"to_hex(md5({_row((column.bigquery for column in columns), 'cast({} as string)')}))"


def _sums(number: str, data_type: str, names: Iterable[str] = ("", "")) -> str:
    """The sums of two parts of `digest`, 0 without rows; `number` makes an integer of seven digits from `{}` on."""
    return ", ".join(
        f"coalesce(sum(cast({number.format(start)} as {data_type})), 0){name}"
        for start, name in zip((1, 8), names, strict=True)
    )


_BIGQUERY_SUMS = _sums("concat('0x', substr(digest, {}, 7))", "int64", (" as first_sum", " as second_sum"))
