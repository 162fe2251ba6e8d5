"""Pre-flight of whole dumps: what a good one reports, and what a bad one is refused for."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import time
from collections.abc import Callable
from datetime import date

import pytest

from tributary.dumps import DumpEmpty, DumpRefused, DumpReport, DumpTruncated, Severity

Check = Callable[..., DumpReport]
DumpWith = Callable[[bytes], bytes]


def codes(report: DumpReport, severity: Severity = Severity.ERROR) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity is severity]


def test_a_real_dump_passes_with_all_its_objects(real_dump: bytes, check: Check) -> None:
    report = check(real_dump)
    assert report.ok
    assert report.complete
    assert report.database == "shop_eu"
    assert report.character_set == "utf8mb4"
    assert report.tables["orders"] == 2
    assert "big_orders" not in report.tables
    assert codes(report, Severity.WARNING) == []
    assert set(codes(report, Severity.NOTE)) == {"ignored_object", "definer"}
    report.raise_if_refused()


def test_the_header_and_the_rows_of_mysql_8(mysql_dump: bytes, check: Check) -> None:
    report = check(mysql_dump)
    assert (report.server, report.server_version) == ("MySQL", "8.0.36-google")
    assert report.tables == {"customers": 4, "orders": 2}


def test_the_header_and_the_rows_of_mariadb(mariadb_dump: bytes, check: Check) -> None:
    report = check(mariadb_dump)
    assert report.server == "MariaDB"
    assert report.server_version is not None
    assert report.server_version.startswith("10.11")
    assert report.tables == {"audit_log": 0, "customers": 2, "empty_table": 0, "orders": 2}


def test_sizes_and_checksum_are_of_the_stored_object(real_dump: bytes, check: Check) -> None:
    stored = gzip.compress(real_dump)
    report = check(stored)
    assert report.compressed_bytes == len(stored)
    assert report.sql_bytes == len(real_dump)
    assert report.sha256 == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize(
    ("end", "not_before", "errors"),
    [
        (b"", date(2026, 11, 21), []),
        (b"", date(2026, 11, 22), ["stale"]),
        # Without a day, or with one that no calendar has, nothing is known of its age.
        (b"-- Dump completed", date(2026, 11, 22), []),
        (b"-- Dump completed on 2026-13-21  3:00:12", date(2026, 11, 22), []),
    ],
)
def test_a_dump_that_is_older_than_it_may_be(
    end: bytes, not_before: date, errors: list[str], dump_with: DumpWith, check: Check
) -> None:
    dump = dump_with(b"")
    text = dump[: dump.index(b"-- Dump completed")] + end + b"\n" if end else dump
    assert codes(check(text, not_before=not_before)) == errors


def test_line_ends_of_windows(dump_with: DumpWith, check: Check) -> None:
    assert check(dump_with(b"").replace(b"\n", b"\r\n")).ok


# Whole to the last byte.


def test_a_dump_without_completion_line_is_refused(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"")
    report = check(dump[: dump.index(b"-- Dump completed")])
    assert codes(report) == ["incomplete"]
    assert not report.complete


def test_a_cut_in_the_last_line_is_noticed(dump_with: DumpWith, check: Check) -> None:
    assert codes(check(dump_with(b"")[:-1])) == ["incomplete"]


def test_a_completion_line_inside_a_row_does_not_count(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"INSERT INTO `t` VALUES ('\n-- Dump completed on 2026-11-21  3:00:12\n');")
    assert codes(check(dump[: dump.rindex(b"-- Dump completed")])) == ["incomplete"]
    inside = dump[: dump.index(b"-- Dump completed")] + b"-- Dump completed on 2026-11-21  3:00:12\n"
    assert "cut" in codes(check(inside))


def test_a_completion_line_inside_a_comment_does_not_count(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"").replace(b"-- Dump completed", b"/*\n-- Dump completed")
    assert set(codes(check(dump))) == {"incomplete", "cut"}


def test_statements_after_the_completion_line_are_refused(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"") + b"INSERT INTO `t` VALUES (3);\n")
    assert codes(report) == ["incomplete"]
    assert "statements after it" in str(report.errors[0])


def test_a_cut_inside_an_insert_says_where(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"")
    report = check(dump[: dump.index(b"(2)")])
    cut = next(error for error in report.errors if error.code == "cut")
    assert cut.line == dump[: dump.index(b"INSERT")].count(b"\n") + 1


def test_a_cut_gzip_is_an_error_of_its_own(dump_with: DumpWith, check: Check) -> None:
    with pytest.raises(DumpTruncated):
        check(gzip.compress(dump_with(b""))[:-20])


def test_nothing_at_all(check: Check) -> None:
    with pytest.raises(DumpEmpty):
        check(b"")


@pytest.mark.parametrize("text", [b"\n", b"-- only\n-- comments\n", b"/* only */", b"SET NAMES utf8mb4;\n"])
def test_a_dump_of_no_tables_is_refused(text: bytes, check: Check) -> None:
    assert set(codes(check(text))) == {"no_header", "incomplete", "no_tables"}
    assert codes(check(text, require_completion=False)) == ["no_tables"]


# The right database.


def test_another_database_in_the_header(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"").replace(b"Database: shop_eu", b"Database: shop_us"))
    assert codes(report) == ["wrong_database"]
    assert "'shop_eu', found one of 'shop_us'" in str(report.errors[0])


def test_a_dump_of_all_databases(dump_with: DumpWith, check: Check) -> None:
    assert codes(check(dump_with(b"").replace(b"Database: shop_eu", b"Database: "))) == ["wrong_database"]


def test_two_dumps_in_one_file(dump_with: DumpWith, check: Check) -> None:
    other = dump_with(b"").replace(b"Database: shop_eu", b"Database: shop_us")
    assert "wrong_database" in codes(check(dump_with(b"") + other))


def test_names_are_case_sensitive(dump_with: DumpWith, check: Check) -> None:
    assert codes(check(dump_with(b""), database="Shop_EU")) == ["wrong_database"]


def test_the_name_in_production_may_differ(dump_with: DumpWith, check: Check) -> None:
    assert check(dump_with(b""), database="staging", source_name="shop_eu").ok
    qualified = dump_with(b"INSERT INTO `shop_eu`.`t` VALUES (3);")
    assert check(qualified).ok
    assert codes(check(qualified, database="staging", source_name="shop_eu")) == ["other_database"]


# The tables of the contract.


def test_a_missing_table_is_an_error_and_an_unexpected_one_a_note(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b""), expected_tables={"orders"})
    assert [(error.code, error.table) for error in report.errors] == [("missing_table", "orders")]
    assert [(note.severity, note.table) for note in report.findings if note.code == "unexpected_table"] == [
        (Severity.NOTE, "t")
    ]


def test_a_table_that_is_dropped_again_is_missing(dump_with: DumpWith, check: Check) -> None:
    assert codes(check(dump_with(b"DROP TABLE `t`;"), expected_tables={"t"})) == [
        "no_tables",
        "missing_table",
    ]


def test_definitions_only(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"")
    without = dump[: dump.index(b"-- Dumping data")] + dump[dump.index(b"UNLOCK TABLES") :]
    assert codes(check(without)) == ["no_data"]


def test_an_empty_table_is_fine(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"").replace(b"INSERT INTO `t` VALUES (1),(2);\n", b""))
    assert report.ok
    assert report.tables == {"t": 0}


def test_a_table_without_data_section_is_a_warning(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"CREATE TABLE `u` (`a` int);"))
    assert report.ok
    assert codes(report, Severity.WARNING) == ["table_without_data"]


def test_rows_without_definition(dump_with: DumpWith, check: Check) -> None:
    assert codes(check(dump_with(b"INSERT INTO `u` VALUES (1);"))) == ["rows_without_table"]


def test_replace_counts_as_insert(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"REPLACE  INTO `t` VALUES (3);\nINSERT  IGNORE INTO `t` (`a`) VALUES (4);"))
    assert report.tables == {"t": 4}


def test_names_of_all_kinds(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with("CREATE TABLE `Bücher, ``1``` (a int);INSERT INTO `Bücher, ``1``` VALUES (1);".encode()))
    assert report.ok
    assert report.tables == {"t": 2, "Bücher, `1`": 1}


# A dump that a person wrote.

HAND_WRITTEN = b"""/* Chinook */
DROP DATABASE IF EXISTS `Chinook`;
CREATE DATABASE `Chinook`;
USE `Chinook`;
CREATE TABLE Artist
(
    ArtistId INT NOT NULL,
    `Name` NVARCHAR(120),
    CONSTRAINT `PK_Artist` PRIMARY KEY (`ArtistId`)
);
CREATE TABLE `Album` (`AlbumId` INT NOT NULL, `ArtistId` INT NOT NULL);
ALTER TABLE `Album` ADD CONSTRAINT `FK` FOREIGN KEY (`ArtistId`) REFERENCES `Artist` (`ArtistId`)
    ON DELETE NO ACTION;
CREATE INDEX `IFK` ON `Album` (`ArtistId`);
INSERT INTO `Artist` (`ArtistId`, `Name`) VALUES
    (1, N'AC/DC'),
    (2, N'Guns N'' Roses; (live)');
INSERT INTO `Album` (`AlbumId`, `ArtistId`) VALUES (1, 1);
"""


def test_a_hand_written_dump(check: Check) -> None:
    report = check(
        HAND_WRITTEN,
        database="chinook",
        source_name="Chinook",
        allow_own_database=True,
        require_completion=False,
        expected_tables=["Artist", "Album"],
    )
    assert report.ok
    assert report.tables == {"Artist": 2, "Album": 1}
    assert codes(report, Severity.NOTE) == ["own_database"]


def test_a_hand_written_dump_is_refused_otherwise(check: Check) -> None:
    report = check(HAND_WRITTEN, database="Chinook")
    assert set(codes(report)) == {"database_statement", "no_header", "incomplete"}


# Bounds.


def test_a_definition_too_long_to_check_is_refused_once(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"CREATE TABLE `u` (" + b"a int, " * 200_000 + b"b int);"))
    assert codes(report) == ["too_long"]


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE TABLE `%s` (a int);",
        b"INSERT INTO `%s` VALUES (1);",
        b"CREATE TABLE `%s`.`u` (a int);",
        b"DROP TABLE `t`, `%s`;",
    ],
)
def test_a_name_longer_than_servers_take_is_refused_and_not_kept(
    text: bytes, dump_with: DumpWith, check: Check
) -> None:
    report = check(dump_with(text % (b"x" * 65)))
    assert codes(report) == ["long_name"]
    assert report.tables == {"t": 2}
    assert "x" * 65 not in report.to_text()


def test_the_longest_name_of_servers_is_kept(dump_with: DumpWith, check: Check) -> None:
    name = "é" * 64
    assert name in check(dump_with(f"CREATE TABLE `{name}` (a int);".encode())).tables


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE TABLE `u` (a int) connection%s;",
        b"CREATE DATABASE x charset%s!;",
        b"SET SESSION TRANSACTION ISOLATION LEVEL%s!;",
        b"/*!40101 %s" + b"values (" * 50_000 + b"*/;",
    ],
)
def test_white_space_does_not_take_hours(text: bytes, dump_with: DumpWith, check: Check) -> None:
    start = time.monotonic()
    check(dump_with(text.replace(b"%s", b" " * 400_000)))
    assert time.monotonic() - start < 10


# Any database.


def test_any_database_will_do_on_request(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"INSERT INTO `shop_eu`.`t` VALUES (3);"), database=None)
    assert report.ok
    assert "for any database: may be imported" in report.to_text()
    assert codes(check(dump_with(b"INSERT INTO `other`.`t` VALUES (3);"), database=None)) == ["other_database"]
    assert codes(check(dump_with(b"USE `shop_eu`;"), database=None)) == ["database_statement"]
    everything = dump_with(b"").replace(b"Database: shop_eu", b"Database: ")
    assert codes(check(everything, database=None)) == ["wrong_database"]
    assert "of one database" in str(check(everything, database=None).errors[0])


# Bytes.


@pytest.mark.parametrize(
    "value",
    [
        "'Zo\u00eb'".encode("latin-1"),
        "'\U0001f600'".encode(),
        b"'\x00'",
        b"_binary '\xff\x00\xfe'",
        b"'utf8mb4_0900_ai_ci'",
    ],
    ids=["latin1", "emoji", "nul", "binary", "collation"],
)
def test_any_bytes_may_stand_in_a_row(value: bytes, dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"INSERT INTO `t` VALUES (%s),(2);" % value))
    assert report.ok
    assert report.tables == {"t": 4}


def test_a_byte_order_mark_is_skipped(dump_with: DumpWith, check: Check) -> None:
    assert check(b"\xef\xbb\xbf" + dump_with(b"")).ok


def test_the_collation_of_mysql_8_is_accepted(dump_with: DumpWith, check: Check) -> None:
    assert check(dump_with(b"CREATE TABLE `u` (a text COLLATE utf8mb4_0900_ai_ci) COLLATE=utf8mb4_0900_ai_ci;")).ok


# The report.


def test_the_report_says_how_the_dump_was_compressed(dump_with: DumpWith, check: Check) -> None:
    assert check(dump_with(b"")).to_dict()["compression"] == "none"
    report = check(bz2.compress(dump_with(b"")))
    assert report.to_dict()["compression"] == "bzip2"
    assert "bytes stored as bzip2" in report.to_text()


def test_raising(dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(b"DROP DATABASE shop_us;"))
    with pytest.raises(DumpRefused, match=r"'shop_eu' that is whole.*1 error.*'shop_us'") as caught:
        report.raise_if_refused()
    assert caught.value.report is report


def test_the_dictionary_is_small_and_json(dump_with: DumpWith, check: Check) -> None:
    many = b"".join(b"INSERT INTO `no%d` VALUES (1);" % n for n in range(2000))
    report = check(dump_with(many))
    as_dict = report.to_dict()
    assert json.loads(json.dumps(as_dict)) == as_dict
    assert as_dict["ok"] is False
    assert len(as_dict["findings"]) == 20
    assert as_dict["findings_left_out"] == len(report.findings) - 20
    assert "too_many_findings" in codes(report)


def test_the_text_names_everything(dump_with: DumpWith, check: Check) -> None:
    text = check(dump_with(b"GRANT ALL ON *.* TO x;GRANT ALL ON *.* TO y;")).to_text()
    assert "REFUSED" in text
    assert "t: 2" in text
    assert "error accounts" in text
    assert "the first of 2" in text


@pytest.mark.parametrize(
    "statement",
    [
        b"UPDATE `t` SET `card` = 'confidential';",
        b"UPDATE confidential SET a = 1;",
        b"INSERT INTO `t` VALUES ('confidential', NOW());",
        b"INSERT INTO `t` VALUES ('confidential",
        b"confidential','x');",
        b"INSERT INTO `t` SELECT 'confidential';",
        b"SET @x = 'confidential';",
    ],
)
def test_no_row_contents_in_a_report(statement: bytes, dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(statement))
    assert not report.ok
    assert "confidential" not in report.to_text()
    assert "confidential" not in json.dumps(report.to_dict())
    assert "confidential" not in str(DumpRefused(report))
