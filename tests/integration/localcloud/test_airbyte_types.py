"""Every MySQL type at its edges: what BigQuery holds after a sync, against MySQL's own answer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from tests.integration.localcloud.clients import Airbyte, MySQL

CASES = [
    ("tinyint(1)", "INTEGER", ["0", "1", "5", "-128", "null"]),
    ("tinyint unsigned", "INTEGER", ["0", "255"]),
    ("smallint", "INTEGER", ["-32768", "32767"]),
    ("mediumint unsigned", "INTEGER", ["16777215"]),
    ("int(10) unsigned zerofill", "INTEGER", ["7", "4294967295"]),
    ("bigint", "INTEGER", ["-9223372036854775808", "9223372036854775807"]),
    ("bigint unsigned", "NUMERIC", ["18446744073709551615", "9223372036854775808", "0"]),
    ("year", "INTEGER", ["1901", "2155", "0"]),
    ("decimal(10,2)", "NUMERIC", ["-99999999.99", "0.10", "null"]),
    ("decimal(38,9)", "NUMERIC", ["12345678901234567890123456789.123456789", "-0.000000001"]),
    ("decimal(30,0)", "STRING", ["999999999999999999999999999999"]),
    ("decimal(65,30)", "STRING", ["12345678901234567890123456789012345.123456789012345678901234567891"]),
    ("float", "FLOAT", ["3.14159", "-3.4e38", "16777217"]),
    ("double", "FLOAT", ["2.718281828459045", "-1.7976931348623157e308", "5e-324", "0.1"]),
    ("bit(1)", "BOOLEAN", ["b'1'", "b'0'", "null"]),
    ("bit(10)", "BYTES", ["b'1010101010'", "b'1'", "b'0'"]),
    ("bit(64)", "BYTES", ["b'1'", "0xffffffffffffffff"]),
    (
        "date",
        "DATE",
        ["'0000-00-00'", "'2013-00-00'", "'2013-02-00'", "'0001-01-01'", "'9999-12-31'", "'2012-02-29'"],
    ),
    ("datetime", "DATETIME", ["'0000-00-00 00:00:00'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"]),
    ("datetime(6)", "DATETIME", ["'2013-03-31 02:30:00.000001'", "'9999-12-31 23:59:59.999999'", "null"]),
    (
        "timestamp null",
        "TIMESTAMP",
        ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"],
    ),
    ("timestamp(6) null", "TIMESTAMP", ["'2013-03-31 02:30:00.000001'", "null"]),
    ("time", "TIME", ["'00:00:00'", "'23:59:59'", "'24:00:00'", "'-00:00:01'", "'838:59:59'"]),
    ("time(3)", "TIME", ["'12:34:56.789'"]),
    ("char(5)", "STRING", ["'ab'", "''", "'NULL'", "'日本'"]),
    ("varchar(50)", "STRING", [r"""'q''q" \\ \t \n \r\n \0'""", "'😀'", "' '", "null"]),
    ("varchar(9) character set latin1", "STRING", ["'ÿé€'"]),
    ("varchar(9) collate utf8mb4_bin", "STRING", ["'Aä'"]),
    ("longtext", "STRING", ["repeat('é', 100000)", "''"]),
    ("enum('a','b','')", "STRING", ["'b'", "''"]),
    ("set('x','y','z')", "STRING", ["'x,z'", "''"]),
    (
        "json",
        "JSON",
        ["""'{"a": [1, 2.5, null, true], "é": "\\\\n"}'""", "'[]'", "'null'", "'\"s\"'", "null"],
    ),
    ("binary(4)", "BYTES", ["x'00ff0a'"]),
    ("varbinary(9)", "BYTES", ["x'00ff0a0d'", "''", "null"]),
    ("longblob", "BYTES", ["repeat(x'00ff', 50000)"]),
    ("point", "STRING", ["point(1, 2)"]),
]


def expected(value: Any, kind: str) -> Any:
    """What BigQuery should hold for the *value* that MySQL's driver returned."""
    if value is None:
        return None
    if kind in ("DATE", "DATETIME", "TIMESTAMP"):
        if not isinstance(value, date):
            return None  # the driver leaves zero dates as text
        return value.replace(tzinfo=UTC) if kind == "TIMESTAMP" and isinstance(value, datetime) else value
    if isinstance(value, timedelta):
        fits = timedelta(0) <= value < timedelta(days=1)
        return (datetime(2000, 1, 1) + value).time() if fits else None
    if kind == "BOOLEAN":
        return value != b"\0"
    if kind == "STRING" and isinstance(value, Decimal):
        return format(value, "f")
    if kind == "JSON":
        return json.loads(value)
    return value


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, warehouse: bigquery.Client) -> dict[int, tuple[str, list[tuple[Any, Any]]]]:
    """For each case: BigQuery's type, and pairs of MySQL's and BigQuery's value. One sync moves all."""
    cloud = request.getfixturevalue("cloud")
    mysql, airbyte = MySQL(cloud), Airbyte(cloud)
    database = mysql.fresh("types")
    mysql.run("set sql_mode = ''")
    for number, (kind, _, values) in enumerate(CASES):
        mysql.run(f"create table c{number} (id int primary key auto_increment, v {kind})")
        for value in values:
            mysql.run(f"insert into c{number} (v) values ({value})")
    airbyte.sync(airbyte.connection(database))

    found = {}
    for number, (kind, _, _) in enumerate(CASES):
        read = {"float": "v + 0e0", "point": "st_astext(v)"}.get(kind, "v")
        table = f"raw__{database}.c{number}"
        rows = warehouse.query(f"select id, v from {table} order by id").result()
        pairs = zip(mysql.run(f"select {read} from c{number} order by id"), rows, strict=True)
        found[number] = (warehouse.get_table(table).schema[-1].field_type, [(a[0], b["v"]) for a, b in pairs])
    mysql.close()
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[kind for kind, _, _ in CASES])
def test_type(results: dict[int, tuple[str, list[tuple[Any, Any]]]], number: int) -> None:
    _, kind, values = CASES[number]
    found_kind, pairs = results[number]

    assert found_kind == kind
    assert len(pairs) == len(values)
    for from_mysql, from_bigquery in pairs:
        assert from_bigquery == expected(from_mysql, kind)
        if kind == "DATETIME" and from_bigquery is not None:
            assert not from_bigquery.tzinfo
        assert not isinstance(from_bigquery, bool) or kind == "BOOLEAN"


def test_what_became_null_is_listed_and_counted(airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client) -> None:
    database = mysql.fresh("nulled")
    mysql.run("set sql_mode = ''", "create table t (id int, d date, t time)")
    mysql.run("insert into t values (1, '0000-00-00', '25:00:00'), (2, '2013-01-01', null), (3, '2013-00-01', '1:0')")
    job = airbyte.sync(airbyte.connection(database))

    rows = warehouse.query(f"select id, d, t, _airbyte_meta from raw__{database}.t order by id").result()
    first, second, third = [tuple(row.values()) for row in rows]
    assert [change["field"] for change in first[3]["changes"]] == ["d", "t"]
    assert second == (2, date(2013, 1, 1), None, {"sync_id": job.job_id, "changes": []})
    assert (third[2], [change["field"] for change in third[3]["changes"]]) == (time(1, 0), ["d"])
    assert "2 value(s) of d became NULL" in airbyte.log(job.job_id)
    assert "1 value(s) of t became NULL" in airbyte.log(job.job_id)
