"""Hashes and masks as a real server computes them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tributary.privacy.expressions import HashKey, concealed
from tributary.privacy.ways import Personal, copied_type, type_fault

KEY = b"a key of the tests, 32 characters and more"
# What MySQL's text can hold: all of Unicode but surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def hashed(value: Any, key: bytes = KEY) -> str:
    return hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()


def read(cursor: Any, definition: str, values: list[Any], way: Personal, key: bytes = KEY) -> list[Any]:
    """What is copied of values in a column of that definition, in their order."""
    type_ = definition.partition(" character set")[0].partition(" collate")[0]
    assert type_fault(type_, way) == ""
    cursor.execute("set sql_mode = ''")
    cursor.execute(f"create or replace table t (id int primary key, v {definition} null)")
    cursor.executemany("insert into t (id, v) values (%s, %s)", list(enumerate(values)))
    cursor.execute("set sql_mode = default")
    made = concealed("`v`", type_, way, HashKey.of(key))
    cursor.execute(f"alter table t add column c {copied_type(type_, way)} as ({made}) virtual")
    cursor.execute("select c from t order by id")
    return [row[0] for row in cursor.fetchall()]


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=30))
@example(["", "a", "A", "é", "e\u0301", "\U0001f600", "straße", "x" * 40, " x", "'", "\\", "\0"])
def test_a_hash_of_text_is_pythons_hmac(cursor: Any, values: list[str]):
    for definition in ("varchar(60) collate utf8mb4_general_ci", "text collate utf8mb4_bin"):
        assert read(cursor, definition, values, Personal.hash) == [hashed(value) for value in values]


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=150))
def test_a_key_of_any_length_is_used_as_rfc_2104_says(cursor: Any, key: bytes):
    assert read(cursor, "varchar(9)", ["ada"], Personal.hash, key) == [hashed("ada", key)]


@pytest.mark.parametrize(
    ("definition", "values"),
    [
        ("varchar(20) character set latin1", ["é", "ß€", ""]),
        ("varchar(20) character set utf8mb3", ["é", "日本"]),
        ("varchar(20) character set ucs2", ["é", "日本"]),
        ("char(20) collate utf8mb4_bin", ["ada", ""]),
        ("enum('a','b') character set latin1", ["b", "a"]),
        ("set('a','b')", ["a,b", ""]),
        ("longtext", ["x" * 3_000_000, "y"]),
        ("int", [-5, 0, 2**31 - 1]),
        ("bigint unsigned", [2**64 - 1, 0]),
        ("year", [2013]),
        ("date", [date(2013, 1, 2), date(1, 1, 1).replace(year=1000)]),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_hash_is_of_the_values_text_in_utf_8(cursor: Any, definition: str, values: list[Any]):
    assert read(cursor, definition, [*values, None], Personal.hash) == [*map(hashed, values), None]


def test_a_number_has_one_hash_however_wide_it_is_shown(cursor: Any):
    assert read(cursor, "int(10) unsigned zerofill", [42], Personal.hash) == [hashed(42)]


@pytest.mark.parametrize(
    ("value", "masked"),
    {
        "+49 (0)30 1234567": "****4567", "(555) 123-4567": "****4567", "4111-1111-1111-1111": "****1111",
        "0301234567": "****4567", "555-0199": "****", "1980-04-12": "****", "12.04.1980": "****", "19800412": "****",
        "ada@example.com": "****@example.com", "a@b@example.com": "****", "@example.com": "****",
        "ada@localhost": "****", "write to ada@example.com": "****", "ada@ home, 12 Elm Street": "****",
        "Ada Lovelace": "****", "Elizabeth": "****", "": "****", "12 Elm Street": "****",
        "x" * 4000: "****", "1" * 4000: "****", None: None,
    }.items(),
)  # fmt: skip
def test_a_mask_leaves_a_domain_or_four_digits_or_nothing(cursor: Any, value: str | None, masked: str | None):
    for definition in ("varchar(5000)", "text character set latin1 collate latin1_bin"):
        assert read(cursor, definition, [value], Personal.mask) == [masked]


@given(TEXT)
@settings(max_examples=60, deadline=None)
def test_a_mask_of_other_text_says_nothing_of_it(cursor: Any, value: str):
    (found,) = read(cursor, "varchar(60)", [value], Personal.mask)
    assert found == "****" or sum(sign.isdigit() for sign in value) >= 9 or "@" in value


def test_of_a_date_its_year_is_left(cursor: Any):
    days = [date(1980, 4, 12), "0000-00-00", None]
    assert read(cursor, "date", days, Personal.mask) == [date(1980, 1, 1), None, None]
    moments = [datetime(1980, 4, 12, 10, 11, 12, 5), None]
    assert read(cursor, "datetime(6)", moments, Personal.mask) == [datetime(1980, 1, 1), None]


@pytest.mark.parametrize(
    "type_", ["double", "blob", "json", "point", "bit(8)", "timestamp", "decimal(10,2)", "datetime"]
)
def test_what_has_no_one_text_is_not_hashed(type_: str):
    assert "say `drop`" in type_fault(type_, Personal.hash)
