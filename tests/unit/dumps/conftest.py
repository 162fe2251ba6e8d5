"""Small dumps of the real form, and a pre-flight with the usual arguments."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tributary.dumps import DumpReport, preflight

DATA = Path(__file__).parent / "data"

HEADER = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: 10.20.0.3    Database: shop_eu
-- ------------------------------------------------------
-- Server version\t8.0.36

/*!50503 SET NAMES utf8mb4 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
TABLE = b"""
DROP TABLE IF EXISTS `t`;
CREATE TABLE `t` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

--
-- Dumping data for table `t`
--

LOCK TABLES `t` WRITE;
/*!40000 ALTER TABLE `t` DISABLE KEYS */;
INSERT INTO `t` VALUES (1),(2);
/*!40000 ALTER TABLE `t` ENABLE KEYS */;
UNLOCK TABLES;
"""
FOOTER = b"""/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;

-- Dump completed on 2026-11-21  3:00:12
"""


@pytest.fixture(params=["mysql_8_0.sql", "mariadb_10_11.sql"])
def real_dump(request: pytest.FixtureRequest) -> bytes:
    """A dump of `shop_eu` as the named server's own program writes it, with every kind of object."""
    return (DATA / request.param).read_bytes()


@pytest.fixture
def mysql_dump() -> bytes:
    """A dump of `shop_eu` by MySQL 8.0."""
    return (DATA / "mysql_8_0.sql").read_bytes()


@pytest.fixture
def mariadb_dump() -> bytes:
    """A dump of `shop_eu` by MariaDB 10.11."""
    return (DATA / "mariadb_10_11.sql").read_bytes()


@pytest.fixture
def dump_with() -> Callable[[bytes], bytes]:
    """Makes a good dump of `shop_eu`, table `t` of two rows, with the given text among its statements."""
    return lambda text: HEADER + TABLE + text + b"\n" + FOOTER


@pytest.fixture
def check() -> Callable[..., DumpReport]:
    """Pre-flight of bytes for `shop_eu`; other arguments pass through."""

    def run(dump: bytes, **arguments: object) -> DumpReport:
        return preflight(io.BytesIO(dump), **{"database": "shop_eu", **arguments})

    return run
