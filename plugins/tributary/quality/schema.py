"""A table's columns against the contract's.

Compared here rather than by Great Expectations: its type check counts FLOAT64 as NUMERIC and
TIMESTAMP as DATETIME (it compares SQLAlchemy classes), and money in floats is what must not pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# The loader's own columns; which there are depends on its version.
LOADER_PREFIX = "_airbyte_"

_INTEGER, _STRING = frozenset({"INT64"}), frozenset({"STRING"})
# What Airbyte's MySQL source has no type for but "number" or "text in base 64". The local cloud's is exact.
_FLOAT = frozenset({"FLOAT64", "NUMERIC"})
_BINARY = frozenset({"BYTES", "STRING"})
_TYPES: dict[str, frozenset[str]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"), _INTEGER),
    **dict.fromkeys(("float", "double", "real"), _FLOAT),
    **dict.fromkeys(("char", "varchar", "enum", "set"), _STRING),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), _STRING),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _BINARY),
    "json": frozenset({"JSON", "STRING"}),
    "date": frozenset({"DATE"}),
    "time": frozenset({"TIME"}),
    "datetime": frozenset({"DATETIME"}),
    "timestamp": frozenset({"TIMESTAMP"}),
}
_MYSQL_TYPE = re.compile(r"^(?P<name>[a-z]+)(?:\((?P<arguments>[^)]*)\))?(?P<rest>.*)$", re.DOTALL)
# BigQuery's REST API has older names for some types; both may come, by the way a table was made.
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def mysql_type(text: str) -> tuple[str, str, str]:
    """A MySQL type's name, what stands in brackets behind it, and the rest; three empty texts for what is none."""
    match = _MYSQL_TYPE.match(text.lower().strip())
    return (match["name"], match["arguments"] or "", match["rest"]) if match else ("", "", "")


def bigquery_types(text: str) -> frozenset[str]:
    """The BigQuery types that a column of that MySQL type may have after the sync; empty: any.

    Those of Airbyte and, where they differ, of the local cloud, which loses nothing where Airbyte does.
    Source: MySqlSourceOperations.leafType of Airbyte's source-mysql, toDialectType of its destination-bigquery.
    """
    name, arguments, rest = mysql_type(text)
    if name == "tinyint" and arguments == "1":
        # Airbyte makes it BOOL, or INT64 where the source says tinyInt1isBit=false, so that 2 stays 2.
        return frozenset({"BOOL", *_INTEGER})
    if name == "bigint" and "unsigned" in rest:
        return frozenset({"INT64", "NUMERIC"})
    if name == "bit":
        return frozenset({"BOOL"}) if arguments in ("", "1") else _BINARY
    if name in ("decimal", "numeric"):
        numbers = [int(number) for number in (arguments or "10").split(",")]
        precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
        fits = scale <= 9 and precision - scale <= 29
        exact = frozenset({"NUMERIC"}) if fits else frozenset({"BIGNUMERIC", "STRING"})
        # Of whole numbers Airbyte makes INT64, whatever their width; only these hold all of it.
        return exact | _INTEGER if scale == 0 and precision <= 18 else exact
    return _TYPES.get(name, frozenset())


def schema_faults(expected: Mapping[str, frozenset[str]], actual: Mapping[str, str]) -> list[str]:
    """What is wrong with a table's columns, one sentence a column; an empty list: nothing.

    `actual` maps the table's columns to BigQuery types. The loader's own columns are left out; any
    other one that is not expected is a fault, so that a personal column cannot slip in.
    """
    faults = [f"column {name} is missing" for name in expected if name not in actual]
    for name, found in actual.items():
        standard = _STANDARD.get(found, found)
        if name not in expected:
            if not name.startswith(LOADER_PREFIX):
                faults.append(f"column {name} is not in the contract, or is personal")
        elif expected[name] and standard not in expected[name]:
            faults.append(f"column {name} is {standard}, expected {' or '.join(sorted(expected[name]))}")
    return faults
