"""From a dump to a contract that loads, and what is said of it."""

from __future__ import annotations

import gzip
import io
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tributary.contract_files import load_contract
from tributary.contracts import Column, Models
from tributary.dumps import DumpRefused, preflight
from tributary.errors import TributaryError
from tributary.onboarding import samples
from tributary.onboarding.cli import app
from tributary.onboarding.reading import infer_from
from tributary.onboarding.samples import first_rows
from tributary.onboarding.writing import contract_yaml

DATA = Path(__file__).parents[1] / "dumps" / "data"

BY_HAND = rb"""
CREATE DATABASE `Shop`;
USE `Shop`;
CREATE TABLE `Customer`
(
    `CustomerId` INT NOT NULL,
    `FirstName` NVARCHAR(40) NOT NULL COMMENT 'given;\n"first"',
    `on` TINYINT(1) NOT NULL,
    `Remark` TEXT,
    CONSTRAINT `PK_Customer` PRIMARY KEY  (`CustomerId`)
) COMMENT='who buys: here';
CREATE TABLE `visits` (`at` datetime, `from` varchar(40));
CREATE TABLE `a b` (`id` int primary key);
CREATE TABLE `odd` (`id` int primary key, `a b` int);
CREATE TABLE `people` (`email` varchar(99) primary key);
CREATE TABLE `members` (`email` varchar(99) primary key, `since` date, `number` int NOT NULL UNIQUE, `_dump_date` date);
CREATE VIEW v AS SELECT 1;
INSERT INTO `Customer` (`Remark`, `CustomerId`, `FirstName`, `on`) VALUES
    (N'it''s (a) "remark"; or not', 1, N'Ann', 1),
    ('b@example.com', 2, _utf8mb4'Bob', 0), (NULL, 3, 'C\'\\', 0);
INSERT INTO visits VALUES ('2013-01-01', '192.0.2.1');
INSERT INTO visits VALUES ('2013-01-01', '192.0.2.2');
INSERT INTO visits VALUES (NULL, '192.0.2.3');
INSERT INTO `a b` VALUES (1);
INSERT INTO `odd` VALUES (1, 2);
INSERT INTO `people` VALUES ('a@example.com');
INSERT INTO `members` VALUES ('a@example.com', NULL, 7, NULL);
"""


@pytest.fixture
def dump(tmp_path: Path) -> str:
    file = tmp_path / "shop.sql.gz"
    file.write_bytes(gzip.compress(BY_HAND))
    return str(file)


def test_a_dump_by_hand_becomes_a_contract_that_loads(dump: str, tmp_path: Path):
    inferred = infer_from(dump, "shop", "shop")
    file = tmp_path / "shop.yaml"
    file.write_text(contract_yaml(inferred))
    contract = load_contract(file)
    assert contract == inferred.contract
    assert (contract.app, contract.source_name, contract.models) == ("shop", "Shop", Models.GENERATED)
    assert (contract.own_database_statements, contract.completion_line, contract.drop_definers) == (True, False, False)
    assert list(contract.tables) == ["Customer", "visits", "odd", "members"]
    customer = contract.tables["Customer"]
    assert (customer.primary_key, customer.description) == (("CustomerId",), "who buys: here")
    assert customer.columns == {
        "CustomerId": Column(type="int"),
        "FirstName": Column(type="varchar(40)", personal=True, description='given; "first"'),
        "on": Column(type="tinyint(1)"),
        "Remark": Column(type="text", nullable=True),
    }


def test_what_a_person_should_know_is_said(dump: str):
    inferred = infer_from(dump, "shop", "shop")
    assert inferred.personal == {
        "Customer": {"FirstName": "its name says a person's name"},
        "visits": {"from": "3 of 3 values looked at are IP addresses"},
        "odd": {},
        "members": {"email": "its name says a way to reach a person"},
    }
    assert list(inferred.left_out) == ["a b", "people"]
    assert "left out: 'a b': its name" in contract_yaml(inferred)
    assert inferred.notes == (
        "visits: it has no key: its rows are copied and counted, and not told apart",
        "odd: column 'a b' is left out: its name is more than letters, digits and underscores, or begins with a digit",
        "members: column '_dump_date' is left out: BigQuery, the loader or Tributary has columns of that name",
    )
    assert inferred.contract.tables["members"].primary_key == ("number",)


def test_a_key_that_is_personal_names_no_row(tmp_path: Path):
    file = tmp_path / "shop.sql"
    file.write_text("CREATE TABLE t (email varchar(99) primary key, n int);\nINSERT INTO t VALUES ('a', 1);\n")
    inferred = infer_from(str(file), "shop", "shop")
    assert inferred.contract.tables["t"].primary_key == ()
    assert inferred.contract.tables["t"].columns["email"].personal
    assert inferred.notes == ("t: its keys are personal: its rows are copied and counted, and not told apart",)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("`order-items` (id int primary key)", "'order-items': its name is more than letters"),
        ("`t` (`größe` int)", "'t': no column of it could be copied"),
        ("`t` (email varchar(9))", "'t': no column of it could be copied"),
        ("`t` (id decimal(x,y))", "'t': its definition could not be read"),
    ],
)
def test_a_dump_without_a_table_that_could_be_described_is_told(definition: str, message: str, tmp_path: Path):
    file = tmp_path / "odd.sql"
    name = definition.split("`")[1]
    file.write_text(f"CREATE TABLE {definition};\nINSERT INTO `{name}` VALUES (1);\n")
    with pytest.raises(TributaryError, match=message):
        infer_from(str(file), "shop", "shop")


@pytest.mark.parametrize("name", ["mysql_8_0.sql", "mariadb_10_11.sql"])
def test_a_real_dump_with_every_kind_of_object(name: str):
    contract = infer_from(str(DATA / name), "shop", "shop_eu").contract
    assert (contract.source_name, contract.completion_line, contract.drop_definers) == (None, True, True)
    assert contract.tables["orders"].columns["total"] == Column(type="decimal(10,2)", nullable=True)
    assert contract.tables["customers"].columns["name"].personal


def rows_of(text: bytes, chunk: int = 10**9) -> dict[str, list[dict[str, str | None]]]:
    report = preflight(io.BytesIO(text), database=None, require_completion=False, describe=True)
    return dict(first_rows((text[at : at + chunk] for at in range(0, len(text), chunk)), report))


@pytest.mark.parametrize("chunk", [1, 7, 100, 10**9])
def test_first_rows_are_those_of_the_dump(chunk: int):
    rows = rows_of(BY_HAND, chunk)
    assert rows["Customer"] == [
        {"Remark": 'it\'s (a) "remark"; or not', "CustomerId": "1", "FirstName": "Ann", "on": "1"},
        {"Remark": "b@example.com", "CustomerId": "2", "FirstName": "Bob", "on": "0"},
        {"Remark": None, "CustomerId": "3", "FirstName": "C'\\", "on": "0"},
    ]
    assert [row["from"] for row in rows["visits"]] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT IGNORE INTO t VALUES (-1,0x41,NULL);", {"a": "-1", "b": "0x41", "c": None}),
        ("REPLACE INTO `t` VALUES (1.5e3,x'41',_binary 'a\\0b');", {"a": "1.5e3", "b": "x'41'", "c": "a\0b"}),
        ("insert into t (`c`, b) values (\"it\"\"s\", 'it''s');", {"c": 'it"s', "b": "it's"}),
        ("INSERT INTO t VALUES (1, ');', '(');", {"a": "1", "b": ");", "c": "("}),
    ],
)
def test_values_are_read_as_programs_write_them(statement: str, expected: dict[str, str | None]):
    table = "CREATE TABLE t (a int, hidden int INVISIBLE, b text, c text);\n"
    assert rows_of(f"{table}{statement}\n".encode())["t"] == [expected]


def test_made_up_statements_of_rows_take_no_time():
    begin = time.process_time()
    for text in ("INSERT INTO" + " " * 500_000 + "t VALUES (1);", "INSERT INTO t VALUES ('" + "\\'" * 300_000 + "');"):
        rows_of(f"CREATE TABLE t (a text);\n{text}\n".encode())
    assert time.process_time() - begin < 5


def test_only_so_many_rows_and_bytes_are_looked_at(monkeypatch: pytest.MonkeyPatch):
    many = b"CREATE TABLE t (a int);\nINSERT INTO t VALUES " + b",".join(b"(%d)" % n for n in range(1000)) + b";\n"
    assert len(rows_of(many)["t"]) == samples.ROWS
    monkeypatch.setattr(samples, "SAMPLED_BYTES", 100)
    assert 10 < len(rows_of(many)["t"]) < 30


def test_a_dump_that_would_be_refused_anyway_has_no_contract(tmp_path: Path):
    file = tmp_path / "bad.sql"
    file.write_bytes(BY_HAND + b"GRANT ALL ON *.* TO x;\n")
    with pytest.raises(DumpRefused, match="accounts"):
        infer_from(str(file), "shop", "shop")


def test_the_command_prints_the_contract_alone(dump: str):
    done = CliRunner().invoke(app, ["infer", dump, "--app", "shop"])
    assert done.exit_code == 0, done.output
    assert done.stdout == contract_yaml(infer_from(dump, "shop", "shop"))
    assert "personal, not copied: Customer.FirstName" in done.stderr
    from_input = CliRunner().invoke(app, ["infer", "-", "--app", "shop"], input=BY_HAND)
    assert from_input.stdout == done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["infer", "nowhere.sql", "--app", "shop"], "No such file"),
        (["infer", "nowhere.sql", "--app", "Shop"], "--app: expected lower-case letters"),
        (["diff", "nowhere.sql", "--database", "nobody"], "no database 'nobody' in the registry"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], message: str):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert message in str(done.exception)
