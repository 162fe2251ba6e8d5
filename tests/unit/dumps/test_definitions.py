"""Definitions, as servers and people write them."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tributary.dumps.definitions import (
    ColumnDefinition,
    Definitions,
    TableDefinition,
    normal_type,
    read_table,
)
from tributary.dumps.words import DefinitionError, words_of

WRITTEN_BY_A_SERVER = r"""CREATE TABLE `a``b` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `first, last` varchar(64) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s, (x)' COMMENT 'a, b) c\'d',
  `kind` enum('a','b,c','d''e') DEFAULT NULL,
  `changed` timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  `json` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`json`)),
  `next` int(11) GENERATED ALWAYS AS (`id` + 1) VIRTUAL,
  `hidden` int DEFAULT '5'   INVISIBLE  ,
  `place` point NOT NULL   SRID 4326  ,
  `address` inet6 DEFAULT NULL,
  PRIMARY KEY (`id`,`first, last`(10)),
  UNIQUE KEY `u` (`kind`),
  UNIQUE KEY `expression` ((lower(`kind`))),
  KEY `k` (`kind`,`changed` DESC) USING BTREE COMMENT 'x, y',
  FULLTEXT KEY `f` (`json`),
  SPATIAL KEY `s` (`place`),
  CONSTRAINT `other` FOREIGN KEY (`kind`) REFERENCES `c`.`d` (`id`) ON DELETE CASCADE ON UPDATE SET NULL,
  CONSTRAINT `positive` CHECK (`id` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='it''s a table' ROW_FORMAT=DYNAMIC
 PARTITION BY RANGE (`id`) (PARTITION p0 VALUES LESS THAN (10) COMMENT = 'no' ENGINE = InnoDB)"""


def test_what_a_server_writes():
    assert read_table(WRITTEN_BY_A_SERVER) == TableDefinition(
        "a`b",
        (
            ColumnDefinition("id", "bigint unsigned", nullable=False),
            ColumnDefinition("first, last", "varchar(64)", nullable=False, comment="a, b) c'd"),
            ColumnDefinition("kind", "enum('a','b,c','d''e')"),
            ColumnDefinition("changed", "timestamp(6)", nullable=False),
            ColumnDefinition("json", "json"),
            ColumnDefinition("next", "int"),
            ColumnDefinition("hidden", "int", invisible=True),
            ColumnDefinition("place", "point", nullable=False),
            ColumnDefinition("address", "inet6"),
        ),
        primary_key=("id", "first, last"),
        unique_keys=(("kind",),),
        comment="it's a table",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create table t (a int primary key, b int)", (("a", "int", False), ("b", "int", True))),
        ("CREATE TABLE IF NOT EXISTS shop.t\n(\n\ta INT NOT NULL KEY\n)", (("a", "int", False),)),
        ("create table t (a serial, b bool not null)", (("a", "bigint unsigned", False), ("b", "tinyint(1)", False))),
        ("create table t (period int, primary key (period))", (("period", "int", False),)),
        ("create table t (a int, period for system_time(b, c))", (("a", "int", True),)),
        ('create table t (a int default "1, 2" comment "x", b int)', (("a", "int", True), ("b", "int", True))),
    ],
)
def test_what_people_write(text: str, expected: tuple[tuple[str, str, bool], ...]):
    table = read_table(text)
    assert table.name == "t"
    assert tuple((column.name, column.type, column.nullable) for column in table.columns) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("int(11)", "int"),
        ("INTEGER(10) UNSIGNED", "int unsigned"),
        ("tinyint(1)", "tinyint(1)"),
        ("tinyint(1) unsigned", "tinyint unsigned"),
        ("tinyint(4)", "tinyint"),
        ("smallint zerofill", "smallint(5) unsigned zerofill"),
        ("numeric(10, 2)", "decimal(10,2)"),
        ("dec(5)", "decimal(5,0)"),
        ("fixed", "decimal(10,0)"),
        ("double precision", "double"),
        ("float(24)", "float"),
        ("float(25)", "double"),
        ("float(7,4) unsigned", "float(7,4) unsigned"),
        ("year(4)", "year"),
        ("datetime(0)", "datetime"),
        ("time(3)", "time(3)"),
        ("bit", "bit(1)"),
        ("char", "char(1)"),
        ("nvarchar(160)", "varchar(160)"),
        ("national character varying(9)", "varchar(9)"),
        ("character varying(9)", "varchar(9)"),
        ("long varchar", "mediumtext"),
        ("set('x' , 'y')", "set('x','y')"),
        (r"enum('it\'s','\\')", r"enum('it''s','\\')"),
        ("geomcollection", "geometrycollection"),
        ("uuid", "uuid"),
    ],
)
def test_a_type_has_one_form(written: str, expected: str):
    assert normal_type(written) == expected
    assert normal_type(expected) == expected
    (column,) = read_table(f"create table t (a {written} default null)").columns
    assert column.type == expected


def test_keys_and_columns_that_come_later():
    definitions = Definitions()
    for text in (
        "create table t (id int, a int not null, b int)",
        "ALTER TABLE `t` ADD PRIMARY KEY (`id`), ADD KEY `k` (`b`)",
        "ALTER TABLE `t` MODIFY `b` bigint unsigned NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7",
        "create unique index u on t (a)",
        "create index i on t (b)",
        "ALTER TABLE `t` ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o` (`id`)",
        "ALTER TABLE `t` ADD COLUMN `c` int, AUTO_INCREMENT=9",
        "ALTER TABLE `t` DISABLE KEYS",
    ):
        definitions.take("t", text)
    table = definitions.of(["t"])["t"]
    assert table.columns == (
        ColumnDefinition("id", "int", nullable=False),
        ColumnDefinition("a", "int", nullable=False),
        ColumnDefinition("b", "bigint unsigned", nullable=False),
        ColumnDefinition("c", "int"),
    )
    assert (table.primary_key, table.unique_keys) == (("id",), (("a",),))


def test_a_row_is_named_by_what_is_never_null():
    table = read_table("create table t (a int, b int not null, unique (a), unique (b))")
    assert table.row_keys == [("b",)]
    assert read_table("create table t (a int unique)").row_keys == []
    assert read_table("create table t (a int, b int not null unique, primary key (a))").row_keys == [("a",), ("b",)]
    assert read_table("create table t (a int unique primary key)").row_keys == [("a",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create table t ()", "found its end"),
        ("create table t (primary key (a))", "table 't': expected columns, found none"),
        ("create table t", "expected '\\('"),
        ("create table t (a)", "column 'a' of table 't': expected a type, found the end"),
        ("create table t (a 'x')", "expected a type, found a string"),
        ("create table t (a int,)", "found its end"),
        ("create table t (a int, primary key)", "found its end"),
        ("create", "expected 'TABLE', found the end"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, message: str):
    with pytest.raises(DefinitionError, match=message):
        read_table(text)


def test_a_change_that_is_not_understood_is_said():
    definitions = Definitions()
    definitions.take("t", "create table t (a int, b int)")
    with pytest.raises(DefinitionError, match="table 't': expected ADD or MODIFY, found 'drop'"):
        definitions.take("t", "alter table t add primary key (a), drop column b")
    assert definitions.of(["t"]) == {}


@given(st.text(max_size=60))
def test_nothing_else_is_raised(text: str):
    definitions = Definitions()
    for statement in (f"create table t ({text}", "create table t (a int)", f"alter table t {text}"):
        with suppress(DefinitionError):
            definitions.take("t", statement)


@pytest.mark.parametrize("quote", ["'", '"', "`"])
@given(inside=st.text(alphabet="a'\"`\\", max_size=12))
def test_quoted_parts_end_where_they_end(quote: str, inside: str):
    written = inside if quote == "`" else inside.replace("\\", "\\\\")
    first, second = words_of(f"{quote}{written.replace(quote, quote * 2)}{quote} b")
    assert (first.text, first.lower, second.text) == (inside, "", "b")


# What takes minutes or gigabytes with a pattern that goes back, a copy for each change, or no bounds.
HOSTILE = {
    "columns": ["create table t (" + ",".join(f"c{number} int" for number in range(90_000)) + ")"],
    "keys": ["create table t (a int, " + ",".join(["unique (a)"] * 50_000) + ")"],
    "values": ["create table t (a enum(" + ",".join(["'x'"] * 65_535) + "))"],
    "a long string": ["create table t (a int comment '" + "x" * 1_000_000 + "')"],
    "escapes that do not end": ["create table t ('" + "\\'" * 500_000],
    "quotes that do not end": ["create table t (" + "'" * 999_999],
    "changes": [
        "create table t (" + ",".join(f"c{number} int" for number in range(4_000)) + ")",
        *["alter table t disable keys"] * 5_000,
    ],
    "keys that are added": ["create table t (a int)", *["alter table t add unique (a)"] * 5_000],
    "large tables": ["create table t (a enum('" + "x" * 1_000_000 + "'))"] * 200,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_made_up_definition_takes_little_time_and_memory(what: str):
    definitions = Definitions()
    begin = time.process_time()
    tracemalloc.start()
    for number, text in enumerate(HOSTILE[what]):
        with suppress(DefinitionError):
            definitions.take(f"t{number}" if what == "large tables" else "t", text)
    definitions.of(["t"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begin < 20  # with the tracing of memory, which makes it several times slower
    assert peak < 256 * 1024 * 1024


def test_there_are_bounds():
    with pytest.raises(DefinitionError, match="at most 300,000 words"):
        read_table("create table t (" + "," * 400_000)
    with pytest.raises(DefinitionError, match="at most 1,000 unique keys"):
        read_table(HOSTILE["keys"][0])
    definitions = Definitions()
    for number in range(67):
        definitions.take(f"t{number}", HOSTILE["large tables"][0])
    with pytest.raises(DefinitionError, match="at most 67,108,864 characters of definitions"):
        definitions.take("t67", HOSTILE["large tables"][0])


@pytest.mark.parametrize("text", ["create table t (a 'somebody@example.com')", "create table t (a int, 'somebody')"])
def test_messages_hold_no_strings(text: str):
    with pytest.raises(DefinitionError) as error:
        read_table(text)
    assert "somebody" not in str(error.value)


def test_messages_hold_no_long_names():
    with pytest.raises(DefinitionError) as error:
        read_table(f"create {'x' * 999}")
    assert len(str(error.value)) < 200
