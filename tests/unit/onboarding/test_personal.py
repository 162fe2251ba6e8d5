"""What is taken for personal, and what is not."""

from __future__ import annotations

import pytest

from tributary.contracts import Contract
from tributary.onboarding.personal import looks_personal, unclassified


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("first_name", "a person's name"),
        ("LastName", "a person's name"),
        ("billing_address2", "where a person lives"),
        ("BillingPostalCode", "where a person lives"),
        ("customerEmail", "a way to reach a person"),
        ("email_address", "a way to reach a person"),
        ("ip_address", "what identifies a person"),
        ("date_of_birth", "what identifies a person"),
        ("IBAN", "an account or a card"),
        ("emails", "a way to reach a person"),
        ("home_addresses", "where a person lives"),
        ("address_line_1", "where a person lives"),
        ("ip_addr", "what identifies a person"),
        ("password_hash", "a secret"),
    ],
)
def test_names_that_say_it(name: str, why: str):
    assert looks_personal("t", name, "varchar(64)") == f"its name says {why}"


@pytest.mark.parametrize(
    "name", ["address_id", "phone_count", "city", "country", "name", "ship_id", "zipped", "mailing"]
)
def test_names_that_do_not(name: str):
    assert looks_personal("products", name, "varchar(64)") == ""


def test_a_flag_about_a_person_is_none_of_their_particulars():
    assert looks_personal("t", "login", "tinyint(1)") == ""


def test_a_name_is_personal_in_a_table_of_people():
    assert looks_personal("shop_customers", "name", "varchar(9)") == "it is the name of a person"
    assert looks_personal("orders", "customerName", "varchar(9)") == "it is the name of a person"
    assert looks_personal("cities", "name", "varchar(9)") == ""


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["a@example.com", "b.c@example.org", "x"] + ["d@example.net"] * 7, "9 of 10 values looked at are e-mail"),
        (["192.0.2.1", "2001:db8::1", "198.51.100.7"], "3 of 3 values looked at are IP addresses"),
        (["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606"], "are IBANs"),
        (["4111 1111 1111 1111", "5500005555555559", "340000000000009"], "are card numbers"),
        (["+49 30 1234567", "(030) 1234567", "+1-202-555-0143"], "are telephone numbers"),
    ],
)
def test_content_that_says_it(values: list[str], what: str):
    assert what in looks_personal("t", "note", "text", values)
    assert what in looks_personal("t", "note", "text", [*values, None, ""])


@pytest.mark.parametrize(
    "values",
    [
        ["a@example.com", "b@example.org", "no", "neither"],
        ["2013-01-01 00:00:00", "2013-01-02 10:00:00", "2013-01-03 10:00:00"],
        ["12.50", "13.00", "1.5"],
        ["1234567890123", "1234567890124", "1234567890125"],
        ["DE00370400440532013000"] * 3,
        [None, None, None],
    ],
)
def test_content_that_does_not(values: list[str | None]):
    assert looks_personal("t", "note", "text", values) == ""


def test_no_value_is_in_the_reason():
    assert "@" not in looks_personal("t", "note", "text", ["somebody@example.com"] * 5)


def test_a_contract_says_of_what_looks_personal_whether_it_is():
    columns: dict[str, dict[str, object]] = {
        "id": {"type": "int"}, "email": {"type": "text"}, "phone": {"type": "text", "personal": True},
        "city": {"type": "text"}, "lat": {"type": "double", "personal": False},
        "fax": {"type": "text", "copied": False},
    }  # fmt: skip
    tables = {"shops": {"primary_key": ["id"], "columns": columns}}
    contract = Contract.model_validate({"app": "shops", "models": "none", "tables": tables})
    assert list(unclassified(contract)) == [("shops", "email", "its name says a way to reach a person")]
