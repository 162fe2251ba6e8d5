"""Strange dumps that must be loaded: pre-flight, the import into a real server, and what it then holds."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from backports import zstd

from tests.faults.dump_files import CUSTOMERS, dump, members, table
from tests.faults.imports.conftest import Server, Shop
from tributary.errors import ImportRefusedError
from tributary.failures import Kind, classify
from tributary.quality.results import CheckpointFailed

Seen = Callable[[object], None]
MakeShop = Callable[..., Shop]
CUSTOMER = {"customers": {"id": "int", "name": "!varchar(80)"}}
NAMES = [(1, "Zoë"), (2, "O'Brien")]
NOTES = {"notes": {"id": "int", "text": "!varchar(80)"}}
NOTES_COLUMNS = "`id` int NOT NULL, `text` varchar(80), PRIMARY KEY (`id`)"

# As mysqldump writes them, each with a DEFINER that the staging server does not have.
OBJECTS = """
DROP TABLE IF EXISTS `notes_log`;
CREATE TABLE `notes_log` (`text` varchar(200)) ENGINE=InnoDB;
LOCK TABLES `notes_log` WRITE;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`owner`@`10.0.0.%`*/ /*!50003 TRIGGER `notes_ai` AFTER INSERT ON `notes`
FOR EACH ROW begin
  -- a delimiter; inside, and it's a comment
  insert into notes_log values (concat('added; ', new.text));
end */;;
DELIMITER ;
DELIMITER ;;
/*!50106 CREATE*/ /*!50117 DEFINER=`owner`@`10.0.0.%`*/ /*!50106 EVENT `cleaning` ON SCHEDULE EVERY 1 DAY
STARTS '2013-01-01 03:50:01' ON COMPLETION NOT PRESERVE DISABLE DO begin delete from notes_log; end */ ;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER=`owner`@`10.0.0.%` FUNCTION `plus_one`(a int) RETURNS int
    DETERMINISTIC
begin declare b int; set b = a + 1; return b; end ;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`owner`@`10.0.0.%` SQL SECURITY DEFINER */
/*!50001 VIEW `long_notes` AS select `notes`.`id` AS `id` from `notes` where (length(`notes`.`text`) > 20) */;
"""
DEFINER_IN_A_ROW = "CREATE DEFINER=`owner`@`10.0.0.%` VIEW"


@pytest.fixture
def load(make_shop: MakeShop) -> Callable[..., Shop]:
    """Takes a dump of these parts, behind `mark`, as far as the staging database."""

    def run(tables: dict[str, dict[str, str]], *parts: str | bytes, mark: bytes = b"", **contract: Any) -> Shop:
        shop = make_shop(tables, **contract)
        shop.load(mark + dump(*parts, database=shop.name))
        return shop

    return run


@pytest.mark.parametrize(
    ("packed", "name"),
    [
        pytest.param(packed, name, id=what, marks=pytest.mark.case("B2", f"imported: {what}", expected="the same rows"))
        for what, packed, name in (
            ("gzip of several members", members, "dump.sql.gz"),
            ("a .sql that is gzip", gzip.compress, "dump.sql"),
            ("a .gz that is plain", bytes, "dump.sql.gz"),
            ("zstd", zstd.compress, "dump.sql.zst"),
            ("xz", lzma.compress, "dump.sql.xz"),
        )
    ],
)
def test_the_form_of_the_file_does_not_matter(
    make_shop: MakeShop, server: Server, packed: Callable[[bytes], bytes], name: str, seen: Seen
):
    shop = make_shop(CUSTOMER)
    checked = shop.load(packed(dump(CUSTOMERS, database=shop.name)), name)
    rows = server(f"select id, name from `{shop.name}`.customers order by id")
    seen(f"{len(rows)} rows, from {'the dump' if checked['uri'] == shop.dump['uri'] else 'a copy'}")
    assert rows == NAMES


@pytest.mark.case("B6", "DEFINERs of an account that is not there", expected="objects are made, rows are untouched")
def test_definers_are_left_out_on_request(load: Callable[..., Shop], server: Server, seen: Seen):
    notes = table("notes", NOTES_COLUMNS, f"1,'{DEFINER_IN_A_ROW}'")
    shop = load(NOTES, notes, OBJECTS, drop_definers=True)
    made = dict(server(
        f"select 'trigger', definer from information_schema.triggers where trigger_schema = '{shop.name}' union "
        f"select 'event', definer from information_schema.events where event_schema = '{shop.name}' union "
        f"select 'routine', definer from information_schema.routines where routine_schema = '{shop.name}' union "
        f"select 'view', definer from information_schema.views where table_schema = '{shop.name}'"
    ))  # fmt: skip
    seen(f"{sorted(made)} belong to {set(made.values())}; the row says {DEFINER_IN_A_ROW}")
    assert made.keys() == {"trigger", "event", "routine", "view"}
    assert not any("owner" in account for account in made.values())
    assert server(f"select text from `{shop.name}`.notes") == [(DEFINER_IN_A_ROW,)]


@pytest.mark.case("B6", "the same without the option", expected="the import fails for good, and says what is missing")
def test_definers_are_refused_otherwise(load: Callable[..., Shop], seen: Seen):
    with pytest.raises(ImportRefusedError) as caught:
        load(NOTES, table("notes", NOTES_COLUMNS, "1,'x'"), OBJECTS)
    seen(caught.value)
    assert classify(caught.value).kind is Kind.permanent
    assert "ERROR 1227" in str(caught.value)


@pytest.mark.case("B8", "trigger, event and function with DELIMITER ;;", expected="all work; their bodies are whole")
def test_objects_with_delimiters_work(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(NOTES, table("notes", NOTES_COLUMNS, "1,'x'"), OBJECTS, drop_definers=True)
    server(f"use `{shop.name}`", "insert into notes values (2, 'new')")
    logged, (one,) = server("select text from notes_log"), server("select plus_one(41)")
    seen(f"the trigger wrote {logged}, the function gives {one[0]}")
    assert logged == [("added; new",)]
    assert one == (42,)


@pytest.mark.case(
    "B9", "zero and impossible dates, year 10000, times beyond a day",
    expected="NULL in the warehouse where it has no such value, noted row by row; the others exact",
)  # fmt: skip
def test_dates_that_are_none(load: Callable[..., Shop], server: Server, seen: Seen):
    columns = {"id": "int", "day": "!date", "moment": "!datetime", "changed": "!timestamp", "took": "!time"}
    shop = load({"days": columns}, table(
        "days", "`id` int NOT NULL, `day` date, `moment` datetime, `changed` timestamp NULL, `took` time, "
        "PRIMARY KEY (`id`)",
        "1,'0000-00-00','0000-00-00 00:00:00','0000-00-00 00:00:00','838:59:59'",
        "2,'2013-02-30','2013-02-30 01:00:00',NULL,'-01:00:00'",
        "3,'10000-01-01','10000-01-01 00:00:00',NULL,'24:00:00'",
        "4,'2013-00-00','9999-12-31 23:59:59','2013-01-02 03:04:05','-838:59:59'",
        "5,'9999-12-31','1000-01-01 00:00:00',NULL,'23:59:59'",
    ))  # fmt: skip
    staged = server(f"select cast(took as char) from `{shop.name}`.days order by id")
    assert [row[0] for row in staged] == ["838:59:59", "-01:00:00", "24:00:00", "-838:59:59", "23:59:59"]
    shop.step("sync")
    rows = shop.raw("select day, moment, changed, took from {raw}.days order by id")
    notes = shop.raw("select array_length(json_query_array(_airbyte_meta, '$.changes')) from {raw}.days order by id")
    seen(f"NULLs that are noted, by row: {[row[0] for row in notes]}")
    assert rows[:3] == [(None,) * 4] * 3
    day, moment, changed, took = rows[3]
    assert (day, moment, took) == (None, datetime(9999, 12, 31, 23, 59, 59), None)
    assert changed.isoformat() == "2013-01-02T03:04:05+00:00"
    assert rows[4][:2] == (date(9999, 12, 31), datetime(1000, 1, 1))
    assert [row[0] for row in notes] == [4, 3, 3, 2, 0]


@pytest.mark.case("B10", "emoji, escaped NUL, quotes, byte order marks", expected="every byte as it was")
def test_strange_bytes_arrive(load: Callable[..., Shop], server: Server, seen: Seen):
    values = ["😀", "a\0b", 'it\'s "x"\\ \n\r\t\x1a', "\ufeffx", "-- Dump completed", "日本"]
    escapes = str.maketrans({char: f"\\{word}" for char, word in zip("\0'\"\\\n\r\x1a", "0'\"\\nrZ", strict=True)})
    rows = [f"{number},'{value.translate(escapes)}'" for number, value in enumerate(values)]
    shop = load(NOTES, table("notes", NOTES_COLUMNS, *rows), mark=b"\xef\xbb\xbf")
    found = [row[0] for row in server(f"select text from `{shop.name}`.notes order by id")]
    shop.step("sync")
    in_raw = [row[0] for row in shop.raw("select text from {raw}.notes order by id")]
    seen(f"{len(found)} values equal in the staging database, {len(in_raw)} in the warehouse")
    assert found == in_raw == values


@pytest.mark.case(
    "B10", "latin1 bytes in a dump that says utf8mb4", expected="the import does not refuse them: the byte becomes `?`"
)
def test_bytes_of_another_character_set(load: Callable[..., Shop], server: Server, seen: Seen):
    # What a server makes of them is its own: no count tells it, so it is stated here.
    shop = load(NOTES, table("notes", NOTES_COLUMNS, b"1,'Zo\xeb'", "2,'Zoë'"))
    found = [row[0] for row in server(f"select text from `{shop.name}`.notes order by id")]
    seen(found)
    assert found == ["Zo?", "Zoë"]


@pytest.mark.case("B10", "a NUL byte that is not escaped", expected="the import fails for good; no row in the error")
def test_a_bare_nul_byte(load: Callable[..., Shop], seen: Seen):
    with pytest.raises(ImportRefusedError) as caught:
        load(NOTES, table("notes", NOTES_COLUMNS, b"1,'Jane\x00Doe'"))
    seen(caught.value)
    assert "ERROR at line" in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert classify(caught.value).kind is Kind.permanent


MYSQL_8 = (
    table("notes", NOTES_COLUMNS.replace("varchar(80)", "varchar(80) COLLATE utf8mb4_0900_ai_ci"),
          "1,'utf8mb4_0900_ai_ci'")
    .replace(b"CHARSET=utf8mb4", b"CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci")
)  # fmt: skip


@pytest.mark.case("B11", "utf8mb4_0900_ai_ci, replaced by contract", expected="the other one; the word in a row stays")
def test_a_collation_is_replaced_on_request(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(NOTES, MYSQL_8, collation="utf8mb4_unicode_ci")
    found = server(f"select text, collation(text) from `{shop.name}`.notes")
    seen(found)
    assert found == [("utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci")]


@pytest.mark.case("B11", "the same without the option", expected="the import fails for good, and names the collation")
def test_an_unknown_collation_is_refused(load: Callable[..., Shop], seen: Seen):
    with pytest.raises(ImportRefusedError, match="ERROR 1273") as caught:
        load(NOTES, MYSQL_8)
    seen(caught.value)
    assert classify(caught.value).kind is Kind.permanent


PEOPLE = {"people": {"id": "int", "boss": "!int", "team": "!int"}, "teams": {"id": "int", "lead": "!int"}}
PEOPLE_COLUMNS = "`id` int NOT NULL, `boss` int, `team` int, PRIMARY KEY (`id`), "
PEOPLE_COLUMNS += "CONSTRAINT `b` FOREIGN KEY (`boss`) REFERENCES `people` (`id`), "
PEOPLE_COLUMNS += "CONSTRAINT `t` FOREIGN KEY (`team`) REFERENCES `teams` (`id`)"
TEAMS_COLUMNS = "`id` int NOT NULL, `lead` int, PRIMARY KEY (`id`), "
TEAMS_COLUMNS += "CONSTRAINT `l` FOREIGN KEY (`lead`) REFERENCES `people` (`id`)"


@pytest.mark.case("B15", "tables that refer to each other and to themselves", expected="all rows, in any order")
def test_cycles_of_foreign_keys(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(PEOPLE, table("people", PEOPLE_COLUMNS, "1,2,7", "2,1,7"), table("teams", TEAMS_COLUMNS, "7,1"))
    found = server(
        f"select p.id, p.boss, t.`lead` from `{shop.name}`.people p join `{shop.name}`.teams t on t.id = p.team"
    )
    seen(found)
    assert sorted(found) == [(1, 2, 1), (2, 1, 1)]


@pytest.mark.case("B15", "orphans of a dump that was not consistent", expected="imported as they are, for the checks")
def test_orphans(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(PEOPLE, table("people", PEOPLE_COLUMNS, "1,99,7"), table("teams", TEAMS_COLUMNS))
    shop.step("sync")
    found = shop.raw("select p.id from {raw}.people p left join {raw}.teams t on t.id = p.team where t.id is null")
    seen(f"orphans in raw: {found}")
    assert found == [(1,)]
    assert server(f"select boss, team from `{shop.name}`.people") == [(99, 7)]


@pytest.mark.case("B16", "LOCK TABLES, transactions, version comments", expected="imported, no rows lost")
def test_statements_around_the_rows(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(
        CUSTOMER, "/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;",
        "/*!80000 SET SESSION information_schema_stats_expiry=0 */;", "START TRANSACTION;", CUSTOMERS,
        "COMMIT;\nLOCK TABLES `customers` READ;\nUNLOCK TABLES;", "/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */ ;",
    )  # fmt: skip
    found = server(f"select id, name from `{shop.name}`.customers order by id")
    seen(found)
    assert found == NAMES


@pytest.mark.case("B24", "REPLACE instead of INSERT", expected="the same rows")
def test_replace(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load(CUSTOMER, CUSTOMERS.replace(b"INSERT INTO", b"REPLACE INTO"))
    found = server(f"select id, name from `{shop.name}`.customers order by id")
    seen(found)
    assert found == NAMES


ENDS = {
    "id": "bigint unsigned", "exact": "!decimal(65,30)", "bits": "!bit(64)", "kind": "!enum('a','b')",
    "tags": "!set('x','y')", "made": "!year", "next_year": "!int",
}  # fmt: skip
ENDS_COLUMNS = (
    "`id` bigint unsigned NOT NULL, `exact` decimal(65,30), `bits` bit(64), `kind` enum('a','b'), `tags` set('x','y'), "
    "`made` year, `next_year` int GENERATED ALWAYS AS (`made` + 1) STORED, PRIMARY KEY (`id`)"
)
LARGE = "12345678901234567890123456789012345.123456789012345678901234567891"
# Columns are named in a dump of generated columns.
ENDS_ROWS = (
    "INSERT INTO `ends` (`id`, `exact`, `bits`, `kind`, `tags`, `made`) VALUES "
    f"(18446744073709551615,{LARGE},0xffffffffffffffff,'','x,y',2155),(1,-0.000000000000000000000000000001,b'1','a','',1901);"
)


@pytest.mark.case(
    "B19", "BIGINT UNSIGNED, DECIMAL(65,30), BIT(64), ENUM '', SET, YEAR, generated columns",
    expected="exact in the staging database and in the warehouse; the empty ENUM fails validate_raw by its key",
)  # fmt: skip
def test_values_at_the_ends_of_their_types(load: Callable[..., Shop], server: Server, seen: Seen):
    shop = load({"ends": ENDS}, table("ends", ENDS_COLUMNS).replace(b"UNLOCK", ENDS_ROWS.encode() + b"\nUNLOCK"))
    shop.step("sync")
    expected = [
        (1, Decimal("-1E-30"), b"\0" * 7 + b"\1", "a", "", 1901, 1902),
        (2**64 - 1, Decimal(LARGE), b"\xff" * 8, "", "x,y", 2155, 2156),
    ]
    assert server(f"select * from `{shop.name}`.ends order by id") == expected
    raw = shop.raw(f"select {', '.join(ENDS)} from {{raw}}.ends order by id")
    assert [(int(row[0]), Decimal(row[1]), *row[2:]) for row in raw] == expected
    with pytest.raises(CheckpointFailed, match=r"kind_known.*18446744073709551615") as caught:
        shop.validate_raw()
    seen(str(caught.value).splitlines()[1])
