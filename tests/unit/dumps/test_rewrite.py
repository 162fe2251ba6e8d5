"""Changing what was asked for, and nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest

from tributary.dumps import Changes, open_dump, preflight, rewrite

DUMP = b"""-- CREATE DATABASE `shop`;
/*!40000 DROP DATABASE IF EXISTS `shop`*/;

CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
use shop ;
DROP TABLE IF EXISTS `a`;
CREATE TABLE `a` (`b` text);
INSERT INTO `a` VALUES ('USE `shop`;'),('DROP DATABASE shop;');
USE `other`;
DELIMITER //
Drop Schema shop//
DELIMITER ;
-- the end
"""
STRIPPED = b"""-- CREATE DATABASE `shop`;




DROP TABLE IF EXISTS `a`;
CREATE TABLE `a` (`b` text);
INSERT INTO `a` VALUES ('USE `shop`;'),('DROP DATABASE shop;');
USE `other`;
DELIMITER //

DELIMITER ;
-- the end
"""


ALL = Changes(own_database={"shop"}, drop_definers=True, collation="utf8mb4_unicode_ci")


def strip(text: bytes, size: int = 10**9) -> bytes:
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    return b"".join(rewrite(chunks, Changes(own_database={"shop"})))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100, 10**9])
def test_own_statements_go_and_all_else_stays(size: int) -> None:
    assert strip(DUMP, size) == STRIPPED


@pytest.mark.parametrize("text", [b"", b"x", b"USE `shop", b"CREATE TABLE `a` (`b` int)", b"'open", b"/* open"])
def test_what_is_cut_stays_as_it_is(text: bytes) -> None:
    assert strip(text) == strip(text, 1) == text


def test_a_last_statement_without_delimiter_goes_too() -> None:
    assert strip(b"USE `shop`") == b""


def test_a_real_dump_is_untouched(real_dump: bytes) -> None:
    assert b"".join(rewrite(open_dump(io.BytesIO(real_dump)), Changes(own_database={"shop_eu"}))) == real_dump


def test_nothing_is_held_back_while_rows_stream() -> None:
    given = 0

    def chunks() -> Iterator[bytes]:
        nonlocal given
        for chunk in [b"INSERT INTO `a` VALUES (1)", *[b",('" + b"x" * 100_000 + b"')"] * 50, b";"]:
            given += len(chunk)
            yield chunk

    passed = 0
    for piece in rewrite(chunks(), ALL):
        passed += len(piece)
        assert given - passed < 200_000
    assert passed == given


def change(text: bytes, changes: Changes, size: int = 10**9) -> bytes:
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    return b"".join(rewrite(chunks, changes))


DEFINERS = Changes(drop_definers=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */\n"
            b"/*!50001 VIEW `v` AS select 'DEFINER=`a`@`b`' */;",
            b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013  SQL SECURITY DEFINER */\n"
            b"/*!50001 VIEW `v` AS select 'DEFINER=`a`@`b`' */;",
        ),
        (
            b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a``b`@`localhost`*/ /*!50003 TRIGGER `x` BEFORE INSERT "
            b"ON `t` FOR EACH ROW set new.a = 'CREATE DEFINER=x' */;;\n",
            b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER `x` BEFORE INSERT "
            b"ON `t` FOR EACH ROW set new.a = 'CREATE DEFINER=x' */;;\n",
        ),
        (
            b"DELIMITER ;;\nCREATE DEFINER='a b'@'%' PROCEDURE `p`()\nbegin\n-- DEFINER=`c`@`d`\nend ;;\nDELIMITER ;",
            b"DELIMITER ;;\nCREATE  PROCEDURE `p`()\nbegin\n-- DEFINER=`c`@`d`\nend ;;\nDELIMITER ;",
        ),
        (
            b"create or replace definer = current_user() function f() returns int return 1;",
            b"create or replace  function f() returns int return 1;",
        ),
        (
            b"/*!50106 CREATE*/ /*!50117 DEFINER=`r`@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO set @a=1 */;",
            b"/*!50106 CREATE*/ /*!50117 */ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO set @a=1 */;",
        ),
    ],
    ids=["view", "trigger", "procedure", "function", "event"],
)
@pytest.mark.parametrize("size", [1, 17, 10**9])
def test_definers_go(text: bytes, expected: bytes, size: int) -> None:
    assert change(text, DEFINERS, size) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO `t` VALUES ('CREATE DEFINER=`root`@`%` VIEW v');\n",
        b"CREATE TABLE `t` (`definer` int DEFAULT 1 COMMENT 'CREATE DEFINER=`a`@`b` VIEW');\n",
        b"CREATE VIEW `v` AS select `definer` from `t` where `definer` = 1;\n",
        b"-- CREATE DEFINER=`a`@`b` VIEW\n",
    ],
)
def test_the_word_definer_elsewhere_stays(text: bytes) -> None:
    assert change(text, DEFINERS) == text


def test_real_dumps_have_no_definer_any_more(real_dump: bytes) -> None:
    changed = change(real_dump, DEFINERS, 1000)
    lines = real_dump.split(b"\n")
    clause = re.compile(rb"DEFINER=`\w+`@`\w+`")
    assert len(clause.findall(real_dump)) > 3
    rows = (b"INSERT", b"(")
    assert changed == b"\n".join(line if line.startswith(rows) else clause.sub(b"", line) for line in lines)
    report = preflight(io.BytesIO(changed), "shop_eu")
    assert report.ok
    assert report.tables == preflight(io.BytesIO(real_dump), "shop_eu").tables
    assert "definer" not in [finding.code for finding in report.findings]


OLD, NEW = b"utf8mb4_0900_ai_ci", b"utf8mb4_unicode_ci"
COLLATION = Changes(collation=NEW.decode())


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE TABLE `t` (`a` text COLLATE %s NOT NULL) DEFAULT CHARSET=utf8mb4 COLLATE=%s;",
        b"/*!50003 SET collation_connection  = %s */ ;",
        b"SET NAMES 'utf8mb4' COLLATE '%s';",
        b'SET collation_connection="%s";',
        b"/*!50001 CREATE VIEW `v` AS select 'x' collate %s AS `a` */;",
        b"DELIMITER ;;\nCREATE PROCEDURE `p`()\nbegin\n-- don't\nset @a = 'x' collate %s;\nend ;;\n",
    ],
)
@pytest.mark.parametrize("size", [1, 10**9])
def test_the_collation_of_mysql_8_is_replaced(text: bytes, size: int) -> None:
    assert change(text.replace(b"%s", OLD), COLLATION, size) == text.replace(b"%s", NEW)


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO `t` VALUES ('utf8mb4_0900_ai_ci',\"COLLATE utf8mb4_0900_ai_ci\");\n",
        b"INSERT INTO `t` VALUES (1),('it\\'s COLLATE utf8mb4_0900_ai_ci; CREATE');\n",
        b"CREATE TABLE `utf8mb4_0900_ai_ci` (`a` text DEFAULT 'utf8mb4_0900_ai_ci' COMMENT 'x COLLATE "
        b"utf8mb4_0900_ai_ci');\n",
        b"CREATE TABLE `t` (`a` text COLLATE utf8mb4_0900_ai_cix, `b` text COLLATE utf8mb4_0900_as_cs);\n",
        b"-- COLLATE utf8mb4_0900_ai_ci\n",
    ],
)
def test_the_name_of_the_collation_elsewhere_stays(text: bytes) -> None:
    assert change(text, COLLATION) == text


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10**9])
def test_the_command_of_mariadb_s_client_goes_wherever_it_stands(size: int) -> None:
    command = rb"/*!999999\- enable the sandbox mode */"
    rows = b"INSERT INTO `a` VALUES ('" + command + b"');\n"
    text = command + b" \n" + DUMP + rows + command + b"\n" + rows
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    assert b"".join(rewrite(chunks, Changes(sandbox_line=True))) == b" \n" + DUMP + rows + b"\n" + rows


def test_no_changes_are_none() -> None:
    assert not Changes()
    assert not Changes(own_database=set())
    assert ALL
