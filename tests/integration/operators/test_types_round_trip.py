"""Random values of every MySQL type through a dump, the import, the sync and dbt, against MySQL's own answer."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.faults.imports.conftest import Shop
from tests.integration.operators.conftest import DAY, NUMBERS
from tests.support.generated_dbt import build_generated
from tests.support.services import LocalCloud
from tributary import naming
from tributary.generated_models import typed_as
from tributary.onboarding.reading import infer_from
from tributary.quality.types_table import TYPES, rule_of
from tributary.registry import Database

# Of each type; the edges come on top.
RANDOM_VALUES = 250
TABLE = "everything"
SEED = int(os.environ.get("TRIBUTARY_TYPES_SEED") or random.randrange(2**32))


def text_of(largest: int, alphabet: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    every_sign = st.characters(exclude_categories=("Cs",))
    return st.text(every_sign if alphabet is None else alphabet, max_size=largest)


def integers(bits: int, unsigned: bool) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1) if unsigned else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def decimals(precision: int, scale: int) -> st.SearchStrategy[str]:
    """As text: Python's own decimals would be rounded to 28 digits."""
    return st.integers(-(10**precision) + 1, 10**precision - 1).map(lambda number: str(Decimal(number).scaleb(-scale))
        if precision <= 28 else _scaled(number, scale))  # fmt: skip


def _scaled(number: int, scale: int) -> str:
    sign, digits = ("-" if number < 0 else ""), str(abs(number)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"


MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)).map(str)
DAYS = st.dates(date(1000, 1, 1)).map(str)
SECONDS = st.datetimes(datetime(1970, 1, 2), datetime(2038, 1, 18)).map(str)
TIMES = st.timedeltas(timedelta(hours=-838), timedelta(hours=838)).map(
    lambda length: f"{'-' if length < timedelta(0) else ''}{_clock(abs(length))}"
)
ZERO_DATES = ("0000-00-00", "2013-00-00", "2013-02-00", "0000-00-00")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text_of(8, st.sampled_from('aé"\\ß\n{}[],:')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text_of(4, st.sampled_from("abé")), inner, max_size=3),
    max_leaves=6,
).map(json.dumps)


def _clock(length: timedelta) -> str:
    hours, rest = divmod(length.days * 86400 + length.seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}.{length.microseconds:06}"


@dataclass(frozen=True)
class Sort:
    """A column: its definition, random values, edges, and how MySQL is asked for it."""

    definition: str
    values: st.SearchStrategy[Any]
    edges: tuple[Any, ...] = ()
    read: str = "`{}`"
    write: str = "%s"


def sorts() -> dict[str, Sort]:
    """A column for each line of docs/types.md, and further ones for what no type says."""
    found: dict[str, Sort] = {}
    for name, bits in (("tinyint", 8), ("smallint", 16), ("mediumint", 24), ("int", 32), ("bigint", 64)):
        for unsigned in (False, True):
            low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            found[f"{name} unsigned" if unsigned else name] = Sort("", integers(bits, unsigned), (low, high, 0, 1))
    found["tinyint(1)"] = Sort("", integers(8, False), (0, 1, 2, -128))
    found["int(10) unsigned zerofill"] = Sort("", integers(32, True), (7, 0))
    found["year"] = Sort("", st.integers(1901, 2155), (0, 1901, 2155))
    for precision, scale in ((10, 2), (18, 0), (38, 9), (65, 0), (65, 30)):
        top = "9" * (precision - scale) + ("." + "9" * scale if scale else "")
        found[f"decimal({precision},{scale})"] = Sort("", decimals(precision, scale), (top, f"-{top}", "0"))
    found["float"] = Sort("", st.floats(width=32, allow_nan=False, allow_infinity=False), (3.14159, -3.4e38, 0.0),
                          read="`{}` + 0e0")  # fmt: skip
    found["double"] = Sort("", st.floats(allow_nan=False, allow_infinity=False), (0.1, -1.7976931348623157e308, 5e-324))
    for bits in (1, 10, 64):
        found[f"bit({bits})"] = Sort("", integers(bits, True), (0, 2**bits - 1))
    found["date"] = Sort("", DAYS, (*ZERO_DATES, "9999-12-31", "2012-02-29"))
    for places in ("", "(6)"):
        zero = tuple(f"{day} 00:00:00" for day in ZERO_DATES)
        found[f"datetime{places}"] = Sort("", MOMENTS, (*zero, "9999-12-31 23:59:59"))
        found[f"timestamp{places}"] = Sort("", SECONDS, ("0000-00-00 00:00:00", "1970-01-01 00:00:01"))
        found[f"time{places}"] = Sort("", TIMES, ("838:59:59", "-838:59:59", "24:00:00", "-00:00:01", "23:59:59"))
    found["char(5)"] = Sort("", text_of(5), ("", "NULL", "日本"))
    found["varchar(50)"] = Sort("", text_of(50), ("", " ", "'q\"\\\t\r\n\0\x1a", "😀", "\\N", "NULL"))
    for name in ("tinytext", "text", "mediumtext", "longtext"):
        found[name] = Sort("", text_of(60), ("", "é" * 100))
    found["enum('a','b')"] = Sort("", st.sampled_from(["a", "b"]))
    found["set('a','b')"] = Sort("", st.sampled_from(["", "a", "b", "a,b"]))
    found["json"] = Sort("", JSON, ("null", "[]", '"s"', '{"a": [1, 2.5, null, true]}'))
    found["binary(4)"] = Sort("", st.binary(max_size=4), (b"", b"\x00\xff\n\r"))
    found["varbinary(9)"] = Sort("", st.binary(max_size=9), (b"", b"';--\\\x00"))
    for name in ("tinyblob", "blob", "mediumblob", "longblob"):
        found[name] = Sort("", st.binary(max_size=60), (b"", bytes(range(256))[:255]))
    points = st.tuples(st.integers(-180, 180), st.integers(-90, 90)).map(lambda at: f"POINT({at[0]} {at[1]})")
    for name in ("point", "geometry"):
        found[name] = Sort("", points, read="st_astext(`{}`)", write="st_geomfromtext(%s)")
    found["uuid"] = Sort("", st.uuids().map(str))
    found["inet6"] = Sort("", st.ip_addresses(v=6).map(str), ("::", "::ffff:192.0.2.128"))
    assert set(found) == set(TYPES)
    latin = text_of(9, st.sampled_from("aÄéß€ÿ' \\"))
    further = {
        "varchar(9) character set latin1": Sort("", latin),
        "varchar(9) collate utf8mb4_bin": Sort("", text_of(9, st.sampled_from("aAäÄ😀"))),
        "int invisible": Sort("", integers(32, False)),
        "varchar(40) default 'x' comment 'a -- comment; /* too */'": Sort("", text_of(9)),
    }
    return {**found, **further}


SORTS = sorts()
COLUMNS = {kind: f"c{number}" for number, kind in enumerate(SORTS)}
# Of names that SQL has words for, and of signs in both cases.
COLUMNS |= {"int": "order", "varchar(50)": "Group", "date": "select"}
GENERATED = {"doubled": "int as (`c3` * 2) virtual", "kept": "varchar(60) as (concat('x', `c34`)) stored"}


def values_of(sort: Sort) -> list[Any]:
    """NULL, its edges and random values, from Hypothesis, which goes for what is odd."""
    drawn: list[Any] = []

    @seed(SEED)
    @settings(max_examples=RANDOM_VALUES, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(sort.values)
    def draw(value: Any) -> None:
        drawn.append(value)

    draw()
    return [None, *sort.edges, *drawn]


@dataclass
class Trip:
    """What MySQL answers by column, what the dataset has, and what was told of the way."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    found: dict[str, list[Any]] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    types: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def trip(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Trip:
    folder = tmp_path_factory.mktemp("types")
    name = f"types_{next(NUMBERS)}"
    with pymysql_at(cloud) as source, source.cursor() as cursor:
        cursor.execute("set sql_mode = ''")
        cursor.execute(f"create database `{name}_there` character set utf8mb4")
        cursor.execute(f"use `{name}_there`")
        fill(cursor)
        trip = Trip(answers=answers(cursor))
    dump = folder / f"{name}.sql"
    login = ["--host=127.0.0.1", f"--port={cloud.ports['cloud_sql']}", "--user=root"]
    with dump.open("wb") as target:
        command = ["mariadb-dump", *login, "--single-transaction", f"{name}_there"]
        subprocess.run(command, stdout=target, check=True, env={**os.environ, "MYSQL_PWD": cloud.password})
    contract = infer_from(str(dump), name, name).contract
    # What looks personal by chance, such as random digits, is to be copied here.
    plain = {
        table: of.model_copy(update={"columns": {
            column: one.model_copy(update={"personal": False}) for column, one in of.columns.items()}})
        for table, of in contract.tables.items()
    }  # fmt: skip
    contract = contract.model_copy(update={"tables": plain})
    database = Database(
        name=name, contract=contract, owner="tests", cloud_sql_instance="staging",
        dump_pattern="{database}/{date}/*", dump_wait="1h",
    )  # fmt: skip
    shop = Shop(cloud, database)
    shop.load(dump.read_bytes(), dump.name)
    shop.step("sync")
    shop.step("reconcile")
    shop.validate_raw()
    with pymysql_at(cloud) as source, source.cursor() as cursor:
        cursor.execute(f"use `{name}`")
        # `mysqldump` writes six digits of it.
        trip.answers[COLUMNS["float"]] = asked(cursor, "float")
    build_generated(database, folder, DAY)
    rows = shop.raw(f"select * from {naming.dataset(name)}.{TABLE} order by id")
    from tributary.hooks.clients import bigquery_client

    client = bigquery_client()
    schema = client.get_table(f"{naming.dataset(name)}.{TABLE}").schema
    trip.types = {one.name: one.field_type for one in schema}
    for place, one in enumerate(schema):
        trip.found[one.name] = [row[place] for row in rows]
    told = client.query(f"select column_name, value_count from ops.changed_values where database = '{name}'").result()
    trip.changed = Counter({row["column_name"]: row["value_count"] for row in told})
    return trip


def fill(cursor: Any) -> None:
    """The table, and as many rows as the column with the most values asks for; the others begin anew."""
    columns = [f"`{COLUMNS[kind]}` {kind}{' null' if kind in TYPES else ''}" for kind in SORTS]
    generated = [f"`{name}` {kind}" for name, kind in GENERATED.items()]
    cursor.execute(f"create table {TABLE} (id int primary key, {', '.join((*columns, *generated))})")
    values = {kind: values_of(sort) for kind, sort in SORTS.items()}
    names = ", ".join(f"`{COLUMNS[kind]}`" for kind in SORTS)
    marks = ", ".join(sort.write for sort in SORTS.values())
    for number in range(max(map(len, values.values()))):
        row = [of[number % len(of)] for of in values.values()]
        cursor.execute(f"insert into {TABLE} (id, {names}) values ({number}, {marks})", row)


def answers(cursor: Any) -> dict[str, list[Any]]:
    """By column, what MySQL says in the order of the rows."""
    found = {}
    for kind in SORTS:
        found[COLUMNS[kind]] = asked(cursor, kind)
    for name in GENERATED:
        cursor.execute(f"select `{name}` from {TABLE} order by id")
        found[name] = [row[0] for row in cursor.fetchall()]
    return found


def asked(cursor: Any, kind: str) -> list[Any]:
    """MySQL's answer for one column."""
    cursor.execute(f"select {SORTS[kind].read.format(COLUMNS[kind])} from {TABLE} order by id")
    return [row[0] for row in cursor.fetchall()]


def pymysql_at(cloud: LocalCloud) -> Any:
    """A connection to the server, in UTC."""
    return pymysql.connect(
        host="127.0.0.1", port=cloud.ports["cloud_sql"], user="root", password=cloud.password, charset="utf8mb4",
        autocommit=True, init_command="set time_zone = '+00:00'",
    )  # fmt: skip


def expected(value: Any, kind: str, found_type: str) -> Any:
    """What the dataset is to have of MySQL's answer, by the rules of docs/types.md."""
    if value is None:
        return None
    name = kind.split("(")[0].split(" ")[0]
    if name in ("date", "datetime", "timestamp"):
        if not isinstance(value, date):
            return None  # the driver leaves as text what no calendar has
        return value.replace(tzinfo=UTC) if name == "timestamp" and isinstance(value, datetime) else value
    if name == "time":
        fits = timedelta(0) <= value < timedelta(days=1)
        return (datetime(2000, 1, 1) + value).time() if fits else None
    if kind == "bit(1)":
        return value != b"\0"
    if found_type == "NUMERIC":
        return Decimal(value)
    if name == "json":
        return json.loads(value)
    if name == "decimal" and found_type == "STRING":
        return format(value, "f")
    if name == "set":
        return ",".join(sorted(value)) if isinstance(value, (set, frozenset)) else value
    return value


@pytest.mark.parametrize("kind", SORTS)
def test_every_value_arrives_as_mysql_has_it(trip: Trip, kind: str) -> None:
    column = COLUMNS[kind]
    there, here, type_ = trip.answers[column], trip.found[column], trip.types[column]
    assert len(there) == len(here) > RANDOM_VALUES / 2
    wanted = [expected(value, kind, type_) for value in there]
    pairs = zip(wanted, here, strict=True)
    differing = [(one, other) for one, other in pairs if (type(one), one) != (type(other), other)]
    assert not differing, f"seed {SEED}: {len(differing)} of {len(there)}, such as {differing[:3]}"
    # Python has one None for NULL and for JSON's null, which is a value.
    lost = sum(value not in (None, "null") and one is None for value, one in zip(there, wanted, strict=True))
    assert trip.changed[column] == lost
    assert not lost or rule_of(kind).nulls


def test_generated_columns_arrive_with_their_values(trip: Trip) -> None:
    for name in GENERATED:
        assert trip.found[name] == trip.answers[name]
        assert any(trip.found[name])


def test_values_are_changed_by_the_rules_that_say_so_and_there_are_some(trip: Trip) -> None:
    by_column = {column: kind for kind, column in COLUMNS.items()}
    assert {by_column[column] for column in trip.changed} == {kind for kind in SORTS if rule_of(kind).nulls}


def test_the_dataset_has_the_types_of_the_page(trip: Trip) -> None:
    standard = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    for kind in TYPES:
        made = typed_as(kind)
        found = trip.types[COLUMNS[kind]]
        assert made is None or standard.get(found, found) == made, kind
