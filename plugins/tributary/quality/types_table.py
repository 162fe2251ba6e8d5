"""The table of docs/types.md: what a column of each MySQL type becomes on its way, by the code that does it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tributary.generated_models import typed_as
from tributary.quality.schema import bigquery_types, mysql_type

EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with values that BigQuery cannot hold as they are; `nulls`: they become NULL, and are counted."""

    text: str
    nulls: bool = False


_AS_NUMERIC = "where the loader makes NUMERIC of it, nine digits after the point"
_RULES = {
    "date": Rule("exact; zero and impossible dates (`0000-00-00`, `2013-02-00`) are NULL, counted", nulls=True),
    "datetime": Rule("exact to the microsecond; zero and impossible dates are NULL, counted", nulls=True),
    "timestamp": Rule("the moment, in UTC, whatever the session's zone; MySQL's zero is NULL, counted", nulls=True),
    "time": Rule("exact from `00:00:00` to `23:59:59.999999`; what is negative or longer is NULL, counted", nulls=True),
    "float": Rule(f"the six digits that a dump has of it, as MySQL calculates with them; {_AS_NUMERIC}"),
    "double": Rule(f"exact; {_AS_NUMERIC}"),
    "year": Rule("exact; `0000` is 0"),
    "enum": Rule("the text; its number is not kept"),
    "set": Rule("the texts, with commas"),
    "json": Rule("the same JSON; where the loader has no JSON it is its text"),
    "bit": Rule("BIT(1) is true or false; more bits are bytes, the highest first"),
}
_TEXTS = frozenset("char varchar tinytext text mediumtext longtext".split())
_SPATIAL = frozenset(
    "geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection".split()
)
_BINARY = frozenset("binary varbinary tinyblob blob mediumblob longblob".split())

# A type for each line of the table.
TYPES = (
    "tinyint(1)", "tinyint", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint", "mediumint unsigned",
    "int", "int unsigned", "int(10) unsigned zerofill", "bigint", "bigint unsigned", "year", "decimal(10,2)",
    "decimal(18,0)", "decimal(38,9)", "decimal(65,0)", "decimal(65,30)", "float", "double", "bit(1)", "bit(10)",
    "bit(64)", "date", "datetime", "datetime(6)", "timestamp", "timestamp(6)", "time", "time(6)", "char(5)",
    "varchar(50)", "tinytext", "text", "mediumtext", "longtext", "enum('a','b')", "set('a','b')", "json", "binary(4)",
    "varbinary(9)", "tinyblob", "blob", "mediumblob", "longblob", "point", "geometry", "uuid", "inet6",
)  # fmt: skip


def rule_of(text: str) -> Rule:
    """What happens to the values of a MySQL type, in the form of contracts."""
    name = mysql_type(text)[0]
    if name in _RULES:
        return _RULES[name]
    if name in _TEXTS:
        return Rule("exact, in UTF-8 whatever the column's character set and collation")
    if name in _SPATIAL:
        return Rule("well-known text (WKT); the reference system's number is not kept")
    if name in _BINARY:
        return Rule("the same bytes; where the loader has no bytes they are their base 64")
    if name == "tinyint" and text.startswith("tinyint(1)"):
        return Rule("the number, not true or false: it may be 2")
    if typed_as(text) == "STRING":
        return Rule("all digits, as text: NUMERIC has 29 before the point and 9 behind it")
    return Rule(EXACT)


def markdown() -> str:
    """The table: a line for each type."""
    lines = ["| MySQL | `raw__<db>` | `<db>` | values |", "| --- | --- | --- | --- |"]
    for text in TYPES:
        raw = " or ".join(sorted(bigquery_types(text))) or "STRING"
        made = typed_as(text)
        lines.append(f"| `{text}` | {raw} | {made or 'as in raw'} | {rule_of(text).text} |")
    return "\n".join(lines) + "\n"
