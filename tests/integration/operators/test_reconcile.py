"""The checksums of MySQL and of BigQuery: equal for every type after a real sync, different for any other content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date

import pytest
from airflow.providers.mysql.hooks.mysql import MySqlHook

from tests.integration.operators.conftest import Kiosk
from tributary.errors import GuardError, StageMismatchError
from tributary.hooks.clients import bigquery_client, ops_store
from tributary.ledger.checksums import Column, bigquery_query, contents_of, mysql_query, shared_columns
from tributary.ledger.reading import table_columns
from tributary.ledger.store import execute

# MySQL's types, and values at their edges.
COMPARED = {
    "tinyint(1)": ["0", "1", "5", "-128", "null"],
    "tinyint unsigned": ["0", "255"],
    "smallint": ["-32768", "32767"],
    "mediumint unsigned": ["16777215"],
    "int(10) unsigned zerofill": ["7", "4294967295"],
    "bigint": ["-9223372036854775808", "9223372036854775807", "100", "0"],
    "bigint unsigned": ["18446744073709551615", "9223372036854775808", "0"],
    "year": ["1901", "2155", "0"],
    "decimal(10,2)": ["-99999999.99", "0.10", "100", "-0.004", "0", "7.00", "null"],
    "decimal(10,2) unsigned zerofill": ["1.5"],
    "decimal(10,0)": ["1000", "-10"],
    "decimal(38,9)": ["12345678901234567890123456789.123456789", "-0.000000001"],
    "decimal(30,0)": ["999999999999999999999999999999", "-100"],
    "decimal(65,30)": ["12345678901234567890123456789012345.123456789012345678901234567891", "-0.5", "10"],
    "bit(1)": ["b'1'", "b'0'", "null"],
    "bit(10)": ["b'1010101010'", "b'1'", "b'0'", "null"],
    "bit(64)": ["b'1'", "0xffffffffffffffff"],
    "date": ["'0000-00-00'", "'2013-00-00'", "'2013-02-00'", "'0001-01-01'", "'9999-12-31'", "'2012-02-29'", "null"],
    "datetime": ["'0000-00-00 00:00:00'", "'2013-00-01 10:00:00'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"],
    "datetime(3)": ["'2013-03-31 02:30:00.120'", "'1969-12-31 23:59:59.999'"],
    "datetime(6)": ["'2013-03-31 02:30:00.000001'", "'9999-12-31 23:59:59.999999'", "'0001-01-01 00:00:00'", "null"],
    "timestamp null": ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'", "null"],
    "timestamp(6) null": ["'2013-03-31 02:30:00.000001'", "null"],
    "time": ["'00:00:00'", "'23:59:59'", "'24:00:00'", "'-00:00:01'", "'838:59:59'", "null"],
    "time(6)": ["'12:34:56.789'", "'-00:00:00.5'", "'23:59:59.999999'"],
    "char(5)": ["'ab'", "'ab   '", "''", "'NULL'", "'日本'", "null"],
    "varchar(50)": [r"""'q''q" \\ \t \n \r\n \0'""", "'😀'", "' '", "'2:ab'", "'-'", "''", "null"],
    "varchar(9) character set latin1": ["'ÿé€'"],
    "varchar(9) collate utf8mb4_bin": ["'Aä'"],
    "tinytext": ["'é'", "''", "null"],
    "longtext": ["repeat('é', 100000)", "''"],
    "enum('a','b','')": ["'b'", "''", "null"],
    "set('x','y','z')": ["'x,z'", "''"],
    "binary(4)": ["x'00ff0a'"],
    "varbinary(9)": ["x'00ff0a0d'", "''", "null"],
    "longblob": ["repeat(x'00ff', 50000)", "''", "null"],
}
LEFT_OUT = {"float": ["3.14159"], "double": ["0.1"], "json": ["'[1]'"], "point": ["point(1, 2)"]}
VALUES = {**COMPARED, **LEFT_OUT}
# One table, with a column of each type.
TYPES = {"id": "int", **{f"c{number}": kind for number, kind in enumerate(VALUES)}}


def contract_of(tables: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"  {name}: "
        + json.dumps({"primary_key": ["id"], "columns": {column: {"type": kind} for column, kind in columns.items()}})
        + "\n"
        for name, columns in tables.items()
    )


@pytest.fixture(scope="module")
def types(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    """A table with every value of every type, imported and synced."""
    kiosk = make_kiosk(contract_of({"types": TYPES}))
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    count = max(map(len, VALUES.values()))
    rows = [
        ", ".join([str(number), *(values[number] if number < len(values) else values[0] for values in VALUES.values())])
        for number in range(count)
    ]
    inserts = "".join(f"insert into types values ({row});\n" for row in rows)
    kiosk.leave(f"set names utf8mb4;\nset sql_mode = '';\ncreate table types ({columns});\n{inserts}")
    kiosk.checked = {"tables": {"types": count}}
    kiosk.step("import_dump")
    kiosk.step("sync")
    return kiosk


def ledger(kiosk: Kiosk) -> dict[tuple[str, str], tuple[int, str]]:
    """By stage and table, rows and checksum in `ops.ledger`; fails where it has a key twice."""
    query = f"select stage, table_name, row_count, checksum from ops.ledger where database = '{kiosk.name}'"
    rows = list(bigquery_client().query(query).result())
    found = {(row["stage"], row["table_name"]): (row["row_count"], row["checksum"]) for row in rows}
    assert len(found) == len(rows)
    return found


def columns_of(kiosk: Kiosk) -> tuple[Column, ...]:
    return shared_columns(TYPES, table_columns(bigquery_client(), f"raw__{kiosk.name}")["types"])


def test_every_type_has_the_same_checksum_in_both(types: Kiosk):
    mysql = MySqlHook(mysql_conn_id="cloud_sql__staging")
    different = {}
    for column in columns_of(types):
        alone = {"types": (column,)}
        staged = contents_of(mysql.get_records(mysql_query(types.name, alone)), alone)
        raw = contents_of(execute(bigquery_client(), bigquery_query(f"raw__{types.name}", alone)), alone)
        if raw != staged:
            different[TYPES[column.name]] = (staged, raw)
    assert not different


def test_a_step_records_the_same_checksum_for_both_stages(types: Kiosk):
    assert types.step("reconcile") == types.checked["tables"]
    found = ledger(types)
    assert found["staging", "types"] == found["raw", "types"]
    assert found["raw", "types"][1]


def test_a_value_counts_unless_its_type_is_left_out(types: Kiosk):
    assert {TYPES[column.name] for column in columns_of(types)} == {"int", *COMPARED}


def test_neither_the_time_zone_nor_the_character_set_of_a_session_matters(types: Kiosk):
    tables = {"types": columns_of(types)}
    connection = MySqlHook(mysql_conn_id="cloud_sql__staging").get_conn()
    contents = []
    settings = ("set names utf8mb4", "set time_zone = '-05:30'", "set names latin1", "set sql_mode = 'ANSI_QUOTES'")
    for setting in settings:
        cursor = connection.cursor()
        cursor.execute(setting)
        cursor.execute(mysql_query(types.name, tables))
        contents.append(contents_of(cursor.fetchall(), tables))
    connection.close()
    assert contents == contents[:1] * len(contents)


KEPT = {"id": "int", "a": "varchar(9)", "b": "varchar(9)", "n": "int", "bytes": "blob"}
ROWS = [(1, "'x'", "''", "null", "x'00'"), (2, "null", "'0'", "0", "x'01'"), (3, "'y'", "'-'", "7", "null")]


@pytest.fixture(scope="module")
def rows(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    """A table of a few rows that tests change in raw, and put back."""
    kiosk = make_kiosk(contract_of({"kept": KEPT}))
    columns = ", ".join(f"{name} {kind}" for name, kind in KEPT.items())
    values = ", ".join(f"({', '.join(map(str, row))})" for row in ROWS)
    kiosk.leave(f"create table kept ({columns}, primary key (id));\ninsert into kept values {values};\n")
    kiosk.checked = {"tables": {"kept": 3}}
    kiosk.step("import_dump")
    kiosk.step("sync")
    return kiosk


@pytest.mark.parametrize(
    "change",
    {
        "one_byte": "update {} set a = 'X' where id = 1",
        "an_empty_text_for_null": "update {} set a = '' where id = 2",
        "null_for_an_empty_text": "update {} set b = null where id = 1",
        "zero_for_null": "update {} set n = 0 where id = 1",
        "the_text_0_for_an_empty_one": "update {} set b = '0' where id = 1",
        "two_swapped_values_of_a_column": "update {} set n = if(id = 2, 7, 0) where id in (2, 3)",
        "two_swapped_values_of_a_row": "update {} set a = '', b = 'x' where id = 1",
        "a_character_in_the_next_column": "update {} set a = 'x-', b = '' where id = 3",
        "one_row_for_another": "update {} set id = 2, a = null, b = '0', n = 0, bytes = (select bytes from {} "
        "where id = 2) where id = 1",
        "other_bytes": "update {} set bytes = (select min(bytes) from {} where id = 1) where id = 2",
    }.items(),
    ids=lambda change: change[0],
)
def test_one_difference_in_raw_is_noticed(
    rows: Kiosk, changed: Callable[[str], AbstractContextManager[None]], change: tuple[str, str]
):
    before = contents(rows)
    with changed(change[1]):
        assert contents(rows) != before
    assert contents(rows) == before


def test_a_run_with_a_difference_fails_and_says_what_to_do(
    rows: Kiosk, changed: Callable[[str], AbstractContextManager[None]]
):
    with changed("update {} set a = 'X' where id = 1"), pytest.raises(StageMismatchError) as error:
        rows.step("reconcile")
    recorded = ledger(rows)
    assert str(error.value).startswith(
        f"kept: the same 3 rows, but other content: checksum {recorded['staging', 'kept'][1]} in the staging database, "
        f"{recorded['raw', 'kept'][1]} in raw__{rows.name}. "
    )
    assert "clear sync" in str(error.value)
    assert rows.step("reconcile") == {"kept": 3}


@pytest.fixture
def changed(rows: Kiosk) -> Callable[[str], AbstractContextManager[None]]:
    """A context in which raw's table has been changed by a statement."""
    table = f"raw__{rows.name}.kept"

    def run(sql: str) -> None:
        bigquery_client().query(sql).result()

    @contextmanager
    def change(statement: str) -> Iterator[None]:
        run(f"create or replace table {table}_before as select * from {table}")
        try:
            run(statement.replace("{}", table))
            yield
        finally:
            run(f"create or replace table {table} as select * from {table}_before")

    return change


def contents(kiosk: Kiosk) -> object:
    dataset = f"raw__{kiosk.name}"
    columns = {"kept": shared_columns(KEPT, table_columns(bigquery_client(), dataset)["kept"])}
    return contents_of(execute(bigquery_client(), bigquery_query(dataset, columns)), columns)


def test_a_stage_has_one_record_however_often_it_is_tried(rows: Kiosk):
    for _ in range(3):
        rows.step("reconcile")
    assert set(ledger(rows)) == {("staging", "kept"), ("raw", "kept")}
    log = bigquery_client().query(
        f"select count(*) as n from ops.ledger_log where database = '{rows.name}' and stage = 'raw'"
    )
    assert next(iter(log.result()))["n"] >= 3


def land(kiosk: Kiosk, day: str) -> None:
    ops_store().record_state(
        "landed", database=kiosk.name, dump_date=date.fromisoformat(day), run_id="run_1",
        dump_uri=kiosk.dump["uri"], dump_generation=kiosk.dump["generation"], rows=1,
    )  # fmt: skip


def test_a_dump_that_lost_too_much_is_refused_before_its_import(make_kiosk: Callable[..., Kiosk]):
    kiosk = make_kiosk(guards="{small: 10}")
    kiosk.leave_dump(20)
    assert kiosk.step("preflight")["tables"] == {"lines": 20}
    kiosk.day = "2013-01-02"
    kiosk.leave_dump(5)
    kiosk.step("preflight")  # nothing has landed yet, so there is nothing to compare with
    land(kiosk, "2013-01-01")
    with pytest.raises(GuardError, match=r"lines: 20 rows in the last .*, 5 in this one, at least 10 expected"):
        kiosk.step("preflight")
    kiosk.force = True
    assert kiosk.step("preflight")["tables"] == {"lines": 5}


def test_a_dump_has_one_record_however_often_it_is_checked(kiosk: Kiosk):
    for _ in range(2):
        kiosk.step("preflight")
    query = f"select * from ops.dumps where database = '{kiosk.name}'"
    (row,) = [dict(row) for row in bigquery_client().query(query).result()]
    text = kiosk.bucket.blob(kiosk.dump["name"]).download_as_bytes()
    assert row["sha256"] == hashlib.sha256(text).hexdigest()
    assert (row["stored_bytes"], row["sql_bytes"]) == (len(text), len(text))
    assert (row["dump_generation"], row["accepted"]) == (kiosk.dump["generation"], True)
    assert (row["row_count"], row["table_count"]) == (5, 1)
