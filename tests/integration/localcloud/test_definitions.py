"""What is read from definitions, written by hand and by the server, against what a real server says it has."""

from __future__ import annotations

import re

import pytest

from tests.integration.localcloud.clients import MySQL
from tributary.dumps.definitions import TableDefinition, read_table

# As people write them; the server writes each in its own form.
TYPES = (
    "bool", "boolean", "tinyint(1)", "tinyint(1) unsigned", "tinyint", "tinyint zerofill", "int1", "smallint(6)",
    "int2", "mediumint unsigned", "int3", "middleint", "int", "int(5)", "integer", "int(7) zerofill", "int4 unsigned",
    "bigint", "int8", "bigint(20) unsigned", "bigint zerofill",
    "decimal", "decimal(5)", "numeric(10, 2)", "dec(4,4) unsigned", "fixed(65,30)", "float", "float(24)", "float(25)",
    "float(7,4)", "float4", "double", "double precision", "double(9,3) unsigned", "real", "float8",
    "bit", "bit(1)", "bit(64)", "year", "year(4)", "date", "time", "time(0)", "time(6)", "datetime", "datetime(3)",
    "timestamp null", "timestamp(6) null",
    "char", "char(0)", "char(9)", "character(9)", "nchar(9)", "national char(9)", "varchar(9)", "nvarchar(9)",
    "character varying(9)", "char varying(9)", "national varchar(9)", "national character varying(9)",
    "varcharacter(9)", "varchar(9) character set latin1", "varchar(9) collate utf8mb4_bin", "varchar(9) binary",
    "tinytext", "text", "mediumtext", "longtext", "long", "long varchar", "long varbinary", "json",
    "binary", "binary(4)", "char byte", "varbinary(9)", "tinyblob", "blob", "mediumblob", "longblob",
    "enum('a','b,c','d''e','')", r"enum('back\\slash','quo\'te',')','(')", "set('x','y z','é')",
    "point", "geometry", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
    "uuid", "inet6", "inet4",
)  # fmt: skip
COMMENTS = ("", "it''s, (x) primary key not null", r"back\\slash `quoted` /* no comment */", "é\\nsecond line")
NAMES = ("c", "with space", "back``tick", "comma,(bracket)", "select", "größe", "2nd", "not null", "key")


def written() -> str:
    """A table with a column of each type, and all the words that may stand around one."""
    lines = ["`id` serial"]
    for number, kind in enumerate(TYPES):
        name = f"`{NAMES[number % len(NAMES)]} {number}`"
        comment = COMMENTS[number % len(COMMENTS)]
        required = " not null" if number % 3 == 0 and not kind.endswith("null") else ""
        lines.append(f"{name} {kind}{required}" + (f" comment '{comment}'" if comment else ""))
    lines += [
        "`when` timestamp(6) not null default current_timestamp(6) on update current_timestamp(6)",
        "`twice` int generated always as (`checked` * 2) virtual unique",
        "`kept` varchar(20) as (concat('not null, ', `twice`)) persistent comment 'generated'",
        "`hidden` int invisible default 5",
        "`checked` int default 1 check (`checked` > 0 and `checked` is not null)",
        "primary key (`id`, `when`)",
        "unique key `u` (`checked`, `hidden`)",
        "key `k` (`hidden`) comment 'unique, primary'",
        "fulltext key `f` (`kept`)",
    ]
    return "create table `a ``table` (\n  " + ",\n  ".join(lines) + "\n) comment='of, (all) it''s types'"


def by_the_server(mysql: MySQL, database: str) -> list[tuple[str, str, bool, str]]:
    """Name, type, nullable and comment of each column."""
    rows = mysql.run(
        "select column_name, column_type, is_nullable, column_comment from information_schema.columns "
        f"where table_schema = '{database}' order by ordinal_position"
    )
    found = []
    for name, kind, nullable, comment in rows:
        # MySQL 8 shows widths no more, but for these two.
        is_shown = "zerofill" in kind or kind == "tinyint(1)"
        kind = kind if is_shown else re.sub(r"^(\w*int|year)\(\d+\)", r"\1", kind)
        found.append((name, kind, nullable == "YES", comment))
    return found


def as_read(table: TableDefinition) -> list[tuple[str, str, bool, str]]:
    return [(one.name, one.type, one.nullable, one.comment) for one in table.columns]


def as_the_server_has(table: TableDefinition) -> list[tuple[str, str, bool, str]]:
    """MariaDB's JSON is a LONGTEXT with a check; a MySQL server has a type of its own."""
    return [(name, "longtext" if kind == "json" else kind, *more) for name, kind, *more in as_read(table)]


@pytest.fixture
def both(mysql: MySQL) -> tuple[MySQL, str, str]:
    """The server with the table, its database, and the definition in the server's words."""
    database = mysql.fresh("definitions")
    mysql.run("set sql_mode = ''", written())
    return mysql, database, str(mysql.run("show create table `a ``table`")[0][1])


def test_columns_are_those_that_the_server_has(both: tuple[MySQL, str, str]):
    mysql, database, shown = both
    there = by_the_server(mysql, database)
    assert len(there) == len(TYPES) + 6
    assert as_the_server_has(read_table(shown)) == there
    assert as_read(read_table(shown)) == as_read(read_table(written()))


def test_so_are_those_in_the_words_of_people(both: tuple[MySQL, str, str]):
    mysql, database, _ = both
    there = by_the_server(mysql, database)
    assert as_the_server_has(read_table(written())) == there


def test_keys_and_the_comment_are_those_that_the_server_has(both: tuple[MySQL, str, str]):
    mysql, database, shown = both
    rows = mysql.run(
        "select index_name, column_name from information_schema.statistics where non_unique = 0 "
        f"and table_schema = '{database}' order by index_name, seq_in_index"
    )
    keys: dict[str, tuple[str, ...]] = {}
    for index, column in rows:
        keys[index] = (*keys.get(index, ()), column)
    for text in (shown, written()):
        table = read_table(text)
        assert (table.name, table.comment) == ("a `table", "of, (all) it's types")
        assert table.primary_key == keys["PRIMARY"] == ("id", "when")
        assert sorted(table.unique_keys) == sorted(key for name, key in keys.items() if name != "PRIMARY")
