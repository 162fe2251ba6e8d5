"""Removing the statements that choose the database, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tributary.dumps import open_dump, strip_own_database

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


def strip(text: bytes, size: int = 10**9) -> bytes:
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    return b"".join(strip_own_database(chunks, {"shop"}))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100, 10**9])
def test_own_statements_go_and_all_else_stays(size: int) -> None:
    assert strip(DUMP, size) == STRIPPED


@pytest.mark.parametrize("text", [b"", b"x", b"USE `shop", b"CREATE TABLE `a` (`b` int)", b"'open", b"/* open"])
def test_what_is_cut_stays_as_it_is(text: bytes) -> None:
    assert strip(text) == strip(text, 1) == text


def test_a_last_statement_without_delimiter_goes_too() -> None:
    assert strip(b"USE `shop`") == b""


def test_a_real_dump_is_untouched(real_dump: bytes) -> None:
    assert b"".join(strip_own_database(open_dump(io.BytesIO(real_dump)), {"shop_eu"})) == real_dump


def test_nothing_is_held_back_while_rows_stream() -> None:
    given = 0

    def chunks() -> Iterator[bytes]:
        nonlocal given
        for chunk in [b"INSERT INTO `a` VALUES (1)", *[b",('" + b"x" * 100_000 + b"')"] * 50, b";"]:
            given += len(chunk)
            yield chunk

    passed = 0
    for piece in strip_own_database(chunks(), {"shop"}):
        passed += len(piece)
        assert given - passed < 200_000
    assert passed == given
