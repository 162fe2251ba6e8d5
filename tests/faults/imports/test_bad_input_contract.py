"""Dumps whose tables are not those of the contract, and choosing the wrong object: never in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.dump_files import CUSTOMERS, dump, table
from tests.faults.imports.conftest import Shop
from tests.integration.operators.conftest import DAY
from tributary.dumps import DumpRefused
from tributary.errors import SchemaDriftError
from tributary.failures import Kind, classify
from tributary.operators.find_dump import find
from tributary.quality.results import CheckpointFailed

Seen = Callable[[object], None]
MakeShop = Callable[..., Shop]
ITEMS = {"items": {"id": "int", "label": "!varchar(40)", "price": "!decimal(10,2)"}}
COLUMNS = "`id` int NOT NULL, `label` varchar(40), `price` decimal(10,2), PRIMARY KEY (`id`)"
ROWS = ("1,'pen',1.50", "2,NULL,2.00")


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    """A database whose first dump, as the contract has it, is in the warehouse: Airbyte knows the columns."""
    shop = make_shop(ITEMS)
    sync(shop, table("items", COLUMNS, *ROWS))
    return shop


def sync(shop: Shop, *parts: str | bytes) -> None:
    """Take a dump as far as the raw dataset."""
    shop.load(dump(*parts, database=shop.name))
    shop.step("sync")


def items(shop: Shop) -> list[tuple[object, ...]]:
    return [(row[0], row[1], str(row[2])) for row in shop.raw("select id, label, price from {raw}.items order by id")]


WHOLE = [(1, "pen", "1.500000000"), (2, None, "2.000000000")]


@pytest.mark.case("B17", "a column is added", expected="not copied: the rows are those of the contract's columns")
def test_an_added_column_is_ignored(shop: Shop, seen: Seen):
    sync(shop, table("items", COLUMNS + ", `secret` varchar(40)", *(f"{row},'x'" for row in ROWS)))
    query = "select column_name from {raw}.INFORMATION_SCHEMA.COLUMNS where table_name = 'items'"
    columns = [row[0] for row in shop.raw(query)]
    seen(f"columns in raw: {columns}")
    assert items(shop) == WHOLE
    assert {"id", "label"} < set(columns)
    assert "secret" not in columns


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        pytest.param("`id` int NOT NULL, `price` decimal(10,2), PRIMARY KEY (`id`)",
                     "items.label: dropped column: varchar(40)", id="dropped",
                     marks=pytest.mark.case("B17", "a column that may be empty is dropped",
                     expected="pre-flight fails at its first try, names table and column; raw stays as it was")),
        pytest.param(COLUMNS.replace("label", "title"), "items.label: renamed column: label, found title",
                     id="renamed", marks=pytest.mark.case("B17", "a column that may be empty is renamed",
                     expected="pre-flight fails at its first try, names both; raw stays as it was")),
        pytest.param(COLUMNS.replace("`label` varchar(40)", "`label` int"),
                     "items.label: other type: varchar(40), found int", id="retyped",
                     marks=pytest.mark.case("B17", "text becomes a number",
                     expected="pre-flight fails at its first try, names column and both types; raw stays as it was")),
        pytest.param(COLUMNS.replace("decimal(10,2)", "double"),
                     "items.price: other type: decimal(10,2), found double", id="money",
                     marks=pytest.mark.case("B17", "money becomes a float",
                     expected="pre-flight fails at its first try, names column and both types; raw stays as it was")),
    ],
)  # fmt: skip
def test_a_column_that_is_gone_is_not_filled_with_nothing(shop: Shop, columns: str, says: str, seen: Seen):
    rows = ("3,9.00",) if "label" not in columns and "title" not in columns else ("3,'7',9.00",)
    with pytest.raises(SchemaDriftError) as caught:
        sync(shop, table("items", columns, *rows))
    seen(caught.value)
    assert says in str(caught.value)
    assert len(shop.jobs("import_dump")) == 1
    assert classify(caught.value).kind is Kind.permanent
    assert items(shop) == WHOLE


@pytest.mark.parametrize(
    ("columns", "rows", "says"),
    [
        pytest.param("`id` int, `label` varchar(40), `price` decimal(10,2)", ("1,'pen',1.50", "NULL,'cap',2.00"),
                     "id_not_null", id="nullable", marks=pytest.mark.case(
                     "B17", "the key may be empty, and is", expected="validate_raw fails, names the column")),
        pytest.param("`id` int NOT NULL, `label` varchar(40), `price` decimal(10,2), PRIMARY KEY (`label`)",
                     ("1,'pen',1.50", "1,'cap',2.00"), "key_unique", id="key", marks=pytest.mark.case(
                     "B17", "another key; the contract's repeats", expected="validate_raw fails, names the key")),
    ],
)  # fmt: skip
def test_what_the_types_and_keys_say(shop: Shop, columns: str, rows: tuple[str, ...], says: str, seen: Seen):
    sync(shop, table("items", columns, *rows))
    with pytest.raises(CheckpointFailed) as caught:
        shop.validate_raw()
    seen(next(line for line in str(caught.value).splitlines() if says in line))
    assert classify(caught.value).kind is Kind.permanent


@pytest.mark.case("B17", "a table is missing", expected="pre-flight refuses, names the table; nothing is imported")
def test_a_missing_table(shop: Shop, seen: Seen):
    with pytest.raises(DumpRefused, match="'items'") as caught:
        sync(shop, CUSTOMERS)
    seen(caught.value.report.errors[0])
    assert len(shop.jobs("import_dump")) == 1
    assert items(shop) == WHOLE


@pytest.mark.case("B17", "a new table", expected="not copied: it stays in the staging database")
def test_a_new_table(shop: Shop, seen: Seen):
    sync(shop, table("items", COLUMNS, *ROWS), CUSTOMERS)
    tables = {row[0] for row in shop.raw("select table_name from {raw}.INFORMATION_SCHEMA.TABLES")}
    seen(f"tables in raw: {sorted(tables)}")
    assert "customers" not in tables
    assert items(shop) == WHOLE


def upload(shop: Shop, *names: str) -> None:
    for name in names:
        shop.bucket.blob(name.format(db=shop.name, day=DAY)).upload_from_string(b"text" if name[-1] != "0" else b"")


def chosen(shop: Shop) -> str | None:
    found = find(bucket=shop.bucket.name, database=shop.name, day=DAY, pattern="{database}/{date}/*.sql*")
    return found["name"].removeprefix(f"{shop.name}/") if found else None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(names, expected, id=what, marks=pytest.mark.case("B22", what, expected=says))
        for what, names, expected, says in (
            ("the newest by name is the older one", ("{db}/{day}/z_2099-12-31.sql", "{db}/{day}/a.sql"),
             f"{DAY}/a.sql", "the newest by its upload"),
            ("a future-dated folder", ("{db}/{day}/a.sql", "{db}/2099-12-31/b.sql"), f"{DAY}/a.sql",
             "the day's own, though older"),
            ("a name with a future date inside the day", ("{db}/{day}/2099-12-31.sql",), f"{DAY}/2099-12-31.sql",
             "taken: only the folder says the day"),
            ("an upload that is not finished", ("{db}/{day}/a.sql", "{db}/{day}/b.sql.part", "{db}/{day}/b.sql.tmp",
             "{db}/{day}/c.sql_.gstmp"), f"{DAY}/a.sql", "the finished one"),
            ("only an upload that is not finished", ("{db}/{day}/b.sql.gz.part",), None, "none: find_dump waits"),
            ("the newest dump is yesterday's", ("{db}/2012-12-31/a.sql",), None, "none: find_dump waits"),
            ("the newest dump has 0 bytes", ("{db}/{day}/a.sql", "{db}/{day}/b.sql.0"), f"{DAY}/a.sql",
             "the one with content"),
            ("another database's dump", ("{db}_2/{day}/a.sql", "x/{db}/{day}/a.sql"), None, "none: find_dump waits"),
        )
    ],
)  # fmt: skip
def test_which_object_is_chosen(make_shop: MakeShop, names: tuple[str, ...], expected: str | None, seen: Seen):
    shop = make_shop(ITEMS)
    upload(shop, *names)
    seen(chosen(shop) or "none")
    assert chosen(shop) == expected


@pytest.mark.case("B24", "two files for one database, a table each", expected="refused: names the older one's table")
def test_several_files_for_one_database(make_shop: MakeShop, seen: Seen):
    shop = make_shop(ITEMS | {"customers": {"id": "int", "name": "!varchar(80)"}})
    shop.leave(dump(table("items", COLUMNS, *ROWS), database=shop.name), "items.sql")
    shop.leave(dump(CUSTOMERS, database=shop.name), "customers.sql")
    assert chosen(shop) == f"{DAY}/customers.sql"
    with pytest.raises(DumpRefused, match="'items'") as caught:
        shop.preflight().execute({"run_id": "run_1", "params": {"force": False}})
    seen(caught.value.report.errors[0])
