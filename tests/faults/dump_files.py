"""Dump files as `mysqldump` writes them, good ones and broken ones."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass

from tributary.dumps import DumpReport, preflight

DATABASE = "shop_eu"
COMPLETED = b"-- Dump completed on 2013-01-01  2:00:00\n"
SETTINGS = b"""/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
SETTINGS_BACK = b"""/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;

"""


def header(database: str = DATABASE) -> bytes:
    """The comment lines that a dump begins with."""
    return (
        b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n"
        b"-- Host: 10.20.0.3    Database: %s\n"
        b"-- ------------------------------------------------------\n"
        b"-- Server version\t8.0.36\n\n"
    ) % database.encode()


def table(name: str, columns: str, *rows: str | bytes, verb: str = "INSERT INTO") -> bytes:
    """A table with its definition's lines and its rows, each as the text between the brackets."""
    values = b",".join(b"(%s)" % (row if isinstance(row, bytes) else row.encode()) for row in rows)
    insert = b"%s `%s` VALUES %s;\n" % (verb.encode(), name.encode(), values) if rows else b""
    return (
        b"\n--\n-- Table structure for table `%(name)s`\n--\n\nDROP TABLE IF EXISTS `%(name)s`;\n"
        b"CREATE TABLE `%(name)s` (%(columns)s) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"
        b"\n--\n-- Dumping data for table `%(name)s`\n--\n\nLOCK TABLES `%(name)s` WRITE;\n"
        b"/*!40000 ALTER TABLE `%(name)s` DISABLE KEYS */;\n%(insert)s"
        b"/*!40000 ALTER TABLE `%(name)s` ENABLE KEYS */;\nUNLOCK TABLES;\n"
    ) % {b"name": name.encode(), b"columns": columns.encode(), b"insert": insert}


CUSTOMERS = table("customers", "`id` int NOT NULL, `name` varchar(80), PRIMARY KEY (`id`)", "1,'Zoë'", "2,'O\\'Brien'")
ORDERS = table("orders", "`id` int NOT NULL, `customer_id` int, PRIMARY KEY (`id`)", "10,1", "11,2", "12,2")


def dump(*parts: str | bytes, database: str = DATABASE, completed: bool = True) -> bytes:
    """A whole dump with these tables and statements in it; the two tables above without any."""
    body = b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts or (CUSTOMERS, ORDERS))
    return header(database) + SETTINGS + body + b"\n" + SETTINGS_BACK + (COMPLETED if completed else b"")


def line_of(dump: bytes, text: str | bytes) -> int:
    """The number of the line on which a text begins, from 1."""
    return dump[: dump.index(text if isinstance(text, bytes) else text.encode())].count(b"\n") + 1


def check(stored: bytes, database: str | None = DATABASE, tables: Iterable[str] | None = None) -> DumpReport:
    """Pre-flight of what lies in a bucket."""
    return preflight(io.BytesIO(stored), database, None if tables is None else tuple(tables))


def damaged_crc(stored: bytes) -> bytes:
    """A gzip file whose check sum is of another text."""
    return stored[:-8] + bytes(byte ^ 0xFF for byte in stored[-8:-4]) + stored[-4:]


def members(text: bytes, count: int = 3) -> bytes:
    """A gzip file of several members, as `cat a.gz b.gz` and parallel compressors make it."""
    step = len(text) // count + 1
    return b"".join(gzip.compress(text[start : start + step]) for start in range(0, len(text), step))


@dataclass(frozen=True)
class Attack:
    """Something hostile in a dump: SQL that may hold `{file}`, a path, and `{other}`, another database.

    `code` is pre-flight's, `does` what it does when the plain client imports it unchecked.
    """

    name: str
    text: str
    code: str
    does: str


ATTACKS = (
    Attack("a shell command, \\!", "\\! touch {file}\n", "client_command", "file"),
    Attack("a shell command, system", "system touch {file}\n", "client_command", "file"),
    Attack("a shell command inside a statement", "SELECT 1 \\! touch {file}\n;", "client_command", "file"),
    # The client takes this one from a terminal only.
    Attack("a log of the client, tee", "tee {file}\n", "client_command", "nothing"),
    Attack("another file of SQL, source", "source {file}.sql\n", "client_command", "file"),
    Attack("another file of SQL, \\.", "\\. {file}.sql\n", "client_command", "file"),
    Attack("rows into a file", "SELECT 1 INTO OUTFILE '{file}';", "files", "file"),
    Attack("a value into a file", "SELECT 1 INTO DUMPFILE '{file}';", "files", "file"),
    Attack("a file of the client into a table", "LOAD DATA LOCAL INFILE '{file}.txt' INTO TABLE `customers`;",
           "files", "rows"),
    Attack("an account", "CREATE USER 'mallory'@'%' IDENTIFIED BY 'tops3cret';", "accounts", "account"),
    Attack("a privilege", "GRANT ALL ON *.* TO 'mallory'@'%' IDENTIFIED BY 'tops3cret';", "accounts", "account"),
    Attack("a variable of the server", "SET GLOBAL max_connections = 77;", "server_state", "variable"),
    Attack("USE of another database", "USE `{other}`;\nDELETE FROM `customers`;", "database_statement", "other"),
    Attack("rows for another database", "INSERT INTO `{other}`.`customers` VALUES (66,'Mallory');", "other_database",
           "other"),
    Attack("another database dropped", "DROP DATABASE `{other}`;", "database_statement", "other"),
    Attack("another database dropped in a version comment", "/*!40000 DROP DATABASE `{other}`*/;",
           "database_statement", "other"),
    Attack("the import's own note forged", "DROP TABLE IF EXISTS `_tributary_load`;", "reserved_table", "note"),
    Attack("another database made", "CREATE DATABASE `{other}_2`;", "database_statement", "made"),
)  # fmt: skip
