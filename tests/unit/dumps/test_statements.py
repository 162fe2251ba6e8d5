"""What pre-flight lets through and what it refuses, one statement at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tributary.dumps import DumpReport, Severity

Check = Callable[..., DumpReport]
DumpWith = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE TABLE IF NOT EXISTS `u` (a int) ENGINE = MyISAM COMMENT='select; like x; engine=federated';",
        b"CREATE TABLE `u` (`select` int, `data directory` int, CHECK (a like 'x%'));",
        b"/*!50001 CREATE TABLE `v` (`id` tinyint NOT NULL) ENGINE=MyISAM */;",
        b"CREATE TABLE `u` (a int /*!80023 INVISIBLE */, b int /*!80023 INVISIBLE */) /*!50100 x */;",
        b"LOCK TABLES `t` WRITE, `u` AS `x` READ LOCAL;\nUNLOCK TABLES;",
        b"START TRANSACTION;\nCOMMIT;\nSET autocommit=0;",
        b"/*!80000 SET SESSION information_schema_stats_expiry=0 */;",
        b"/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;",
        b"SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin';",
        b"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;",
        b"/*!50003 SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES' */ ;",
        b"CREATE SEQUENCE `s` start with 1 cache 1000 nocycle ENGINE=InnoDB;\nDO SETVAL(`s`, 1, 0);",
        b"DROP TRIGGER IF EXISTS `x`;",
        b"DELIMITER ;;\nCREATE PROCEDURE `p`() begin drop database shop_us; end ;;\nDELIMITER ;",
        b"INSERT INTO `t` VALUES ('GRANT ALL; \\\\! x; DROP DATABASE y; INTO OUTFILE \"z\"');",
        b"-- DROP DATABASE y;\n# GRANT ALL;\n/* \\! x; */",
        b"INSERT INTO `t` VALUES (1) /* system x; */, (2);",
        b";;;",
    ],
)
def test_harmless(text: bytes, dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(text))
    assert report.ok, report.to_text()


@pytest.mark.parametrize(
    "line", [b"/*M!999999\\- enable the sandbox mode */ \n", b"/*!999999\\- enable the sandbox mode */\n"]
)
def test_the_sandbox_line_is_harmless(line: bytes, dump_with: DumpWith, check: Check) -> None:
    assert check(line + dump_with(b"")).ok


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"CREATE DATABASE other;", "database_statement"),
        (
            b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop_eu` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;",
            None,
        ),
        (b"CREATE SCHEMA other;", "database_statement"),
        (b"/*!40000 DROP DATABASE IF EXISTS `other`*/;", "database_statement"),
        (b"drop\tschema\nother;", "database_statement"),
        (b"DROP /* x */ DATABASE -- y\n other;", "database_statement"),
        (b"ALTER DATABASE `other` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;", "database_statement"),
        (b"USE `shop_eu`;", "database_statement"),
        (b"use other;", "database_statement"),
        (b"USE other\nINSERT INTO `t` VALUES (1);", "database_statement"),
        (b"CREATE TABLE `other`.`u` (a int);", "other_database"),
        (b"INSERT INTO other . t VALUES (1);", "other_database"),
        (b"DROP TABLE IF EXISTS `t`, other.t;", "other_database"),
        (b"LOCK TABLES `t` WRITE, `other`.`t` WRITE;", "other_database"),
        (b"ALTER TABLE `other`.`t` DISABLE KEYS;", "other_database"),
        (b"CREATE VIEW `other`.`v` AS SELECT 1;", "other_database"),
        (b"CREATE TRIGGER x BEFORE INSERT ON other.t FOR EACH ROW SET @a = 1;", "other_database"),
        (b"CREATE TABLE `u` (a int, FOREIGN KEY (a) REFERENCES `other`.`t` (a));", "other_database"),
        (b"CREATE TABLE `u` LIKE other.t;", "unknown_statement"),
        (b"CREATE TABLE `u` (LIKE other.t);", "table_definition"),
        (b"CREATE TABLE `u` (a int) AS SELECT * FROM other.t;", "table_definition"),
        (b"CREATE TABLE `u` (a int) TABLE other.t;", "table_definition"),
        (b"CREATE TABLE `u` (a int) ENGINE=FEDERATED CONNECTION='mysql://x';", "table_definition"),
        (b"CREATE TABLE `u` (a int) ENGINE federated;", "table_definition"),
        (b"CREATE TABLE `u` (a int) DATA DIRECTORY='/etc';", "table_definition"),
        (b"ALTER TABLE `t` ADD KEY (a), RENAME TO other.t;", "table_definition"),
        (b"ALTER TABLE `t` RENAME TO other.t;", "unknown_statement"),
        (b"ALTER TABLE `t` IMPORT TABLESPACE;", "unknown_statement"),
        (b"INSERT INTO `t` SELECT * FROM other.t;", "rows_from_query"),
        (b"INSERT INTO `t` SET a = 1;", "rows_from_query"),
        (b"INSERT INTO `t` VALUES ((select 1));", "expression"),
        (b"INSERT INTO `t` VALUES (load_file('/etc/passwd'));", "expression"),
        (b"INSERT INTO `t` VALUES (1) ON DUPLICATE KEY UPDATE a = 2;", "expression"),
        (b"\\! touch x\n;", "client_command"),
        (b"SELECT 1 \\! touch x\n;", "client_command"),
        (b"\\. other.sql\n;", "client_command"),
        (b"system touch x\n;", "client_command"),
        (b"source other.sql\n;", "client_command"),
        (b"tee /tmp/x\n;", "client_command"),
        (b"DELIMITER abc\nSELECT 1abc", "client_command"),
        (b"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;", "files"),
        (b"SELECT * FROM t INTO OUTFILE '/tmp/x';", "files"),
        (b"SELECT a INTO DUMPFILE '/tmp/x' FROM t;", "files"),
        (b"CREATE FUNCTION f() RETURNS int begin select 1 into outfile '/tmp/x'; end", "files"),
        (b"CREATE FUNCTION f RETURNS STRING SONAME 'x.so';", "unknown_statement"),
        (b"CREATE USER x IDENTIFIED BY 'y';", "accounts"),
        (b"GRANT ALL ON *.* TO x;", "accounts"),
        (b"/*!50000 REVOKE ALL ON *.* FROM x */;", "accounts"),
        (b"SET PASSWORD = 'x';", "accounts"),
        (b"SET GLOBAL max_connections = 1;", "server_state"),
        (b"SET @@global.max_connections = 1;", "server_state"),
        (b"SET @@GLOBAL . max_connections = 1;", "unknown_setting"),
        (b"SET sql_notes = 0, PERSIST max_connections = 1;", "server_state"),
        (b"SET PERSIST_ONLY max_connections = 1;", "server_state"),
        (b"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a-b-c:1-5';", "gtid_purged"),
        (b"SET @@GLOBAL.GTID_PURGED='a-b-c:1-5';", "gtid_purged"),
        (b"SET max_statement_time = 1;", "unknown_setting"),
        (b"SET @x = (select 1);", "unknown_setting"),
        (b"SET sql_mode = 'NO_BACKSLASH_ESCAPES';", "quoting_mode"),
        (b"SET sql_mode = 'STRICT_ALL_TABLES,ansi_quotes';", "quoting_mode"),
        (b"SET sql_mode = 1048576;", "quoting_mode"),
        (b"SET @x = 'NO_BACKSLASH_ESCAPES', sql_mode = @x;", "unknown_setting"),
        (b"SET @old_sql_mode = @@max_allowed_packet;", "quoting_mode"),
        (b"SET NAMES gbk;", "character_set"),
        (b"SET character_set_client = 'sjis';", "character_set"),
        (b"INSTALL PLUGIN x SONAME 'y';", "server_state"),
        (b"SHUTDOWN;", "server_state"),
        (b"KILL 1;", "server_state"),
        (b"FLUSH PRIVILEGES;", "server_state"),
        (b"CHANGE MASTER TO MASTER_LOG_FILE='x';", "server_state"),
        (b"PREPARE s FROM @x;", "dynamic_sql"),
        (b"CALL p();", "dynamic_sql"),
        (b"DELETE FROM `t`;", "unknown_statement"),
        (b"TRUNCATE TABLE `t`;", "unknown_statement"),
        (b"Lorem ipsum;", "unknown_statement"),
        (b"--x\nINSERT INTO `t` VALUES (1);", "unknown_statement"),
        (b"/*!99999 CREATE PROCEDURE p() */ DROP DATABASE other;", "conditional_code"),
        (b"/*M!100100 SET @a = */ GRANT ALL;", "unknown_setting"),
        (b"/*!80000 DROP */ /*!80001 DATABASE other */;", "conditional_code"),
        (b"/*!80000 CREATE */ /*M!100100 PROCEDURE p() */;", "conditional_code"),
        (b"/*!40101 SET sql_notes=0; DROP DATABASE x */;", "split_comment"),
    ],
)
def test_refused(text: bytes, code: str | None, dump_with: DumpWith, check: Check) -> None:
    report = check(dump_with(text))
    assert (code or "database_statement") in [error.code for error in report.errors], report.to_text()


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE DATABASE `shop_eu`;",
        b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop_eu` /*!40100 DEFAULT CHARACTER SET utf8mb4 "
        b"COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */;",
        b"/*!40000 DROP DATABASE IF EXISTS `shop_eu`*/;",
        b"drop schema shop_eu;",
        b"USE `shop_eu`;",
    ],
)
def test_the_own_database_is_accepted_on_request_only(text: bytes, dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(text)
    assert [error.code for error in check(dump).errors] == ["database_statement"]
    report = check(dump, allow_own_database=True)
    assert report.ok, report.to_text()
    assert "own_database" in [finding.code for finding in report.findings]
    other = check(
        dump.replace(b"shop_eu`", b"shop_us`").replace(b"schema shop_eu", b"schema shop_us"),
        allow_own_database=True,
    )
    assert not other.ok


def test_the_own_database_does_not_cover_what_hides_behind_it(dump_with: DumpWith, check: Check) -> None:
    for text in (
        b"USE shop_eu other;",
        b"USE `shop_eu`\nGRANT ALL;",
        b"DROP DATABASE shop_eu, other;",
        b"USE SHOP_EU;",
    ):
        assert not check(dump_with(text), allow_own_database=True).ok


def test_sql_log_bin_is_a_warning(dump_with: DumpWith, check: Check) -> None:
    report = check(
        dump_with(
            b"SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\nSET @@SESSION.SQL_LOG_BIN= 0;"
            b"\nSET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;"
        )
    )
    assert report.ok
    (warning,) = [finding for finding in report.findings if finding.severity is Severity.WARNING]
    assert (warning.code, warning.count) == ("sql_log_bin", 2)


def test_definers_are_noted_but_not_in_data(dump_with: DumpWith, check: Check) -> None:
    def notes(text: bytes) -> list[str]:
        return [finding.code for finding in check(dump_with(text)).findings]

    assert "definer" not in notes(b"INSERT INTO `t` VALUES ('DEFINER=`root`@`%`');")
    assert "definer" not in notes(b"CREATE VIEW `v` AS select 'definer=x';")
    assert "definer" in notes(b"CREATE DEFINER='a b'@'%' VIEW `v` AS select 1;")


def test_a_refusal_says_where(dump_with: DumpWith, check: Check) -> None:
    dump = dump_with(b"SHUTDOWN;")
    (error,) = check(dump).errors
    assert error.line == dump[: dump.index(b"SHUTDOWN")].count(b"\n") + 1
    assert error.statement == 10
