"""Which columns look as if they held personal data, or secrets: by their names, and by what is in them.

A guess that a person looks over. It errs towards personal: what is called so is not copied, and a contract that says
otherwise is one word away, while a column that was copied has been seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tributary.contracts import Contract

# What a column's name ends with, word by word; the first kind that fits is told.
_NAMES: dict[str, tuple[str, ...]] = {
    "a person's name": (
        "first name", "firstname", "given name", "givenname", "middle name", "last name", "lastname", "family name",
        "surname", "full name", "fullname", "maiden name", "contact name", "user name", "username", "nickname", "login",
    ),
    "a way to reach a person": (
        "email", "e mail", "mail", "email address", "mail address", "phone", "phone number", "telephone", "tel",
        "mobile", "cell", "fax", "skype", "twitter", "recipient",
    ),
    "what identifies a person": (
        "birth date", "birthdate", "date of birth", "birthday", "dob", "ssn", "social security", "passport", "tax id",
        "national id", "driver license", "driving licence", "ip", "ip address", "user agent", "mac address", "ip addr",
        "insurance number",
    ),
    "where a person lives": (
        "address", "street", "house number", "postal code", "postalcode", "postcode", "zip", "zip code", "zipcode",
        "latitude", "longitude", "lat", "lng", "lon", "address line", "addr",
    ),
    "an account or a card": ("iban", "bic", "account number", "card number", "credit card", "cc number", "cvv", "cvc"),
    "a particular of a person": (
        "gender", "sex", "religion", "nationality", "ethnicity", "diagnosis", "blood type", "salary", "photo",
    ),
    "a secret": (
        "password", "passwd", "pwd", "password hash", "secret", "token", "api key", "private key", "salt", "pin",
    ),
}  # fmt: skip
# Of whom a table is, so that its `name` is a person's.
_PEOPLE = frozenset(
    "account buyer client contact customer doctor driver employee guest guardian member passenger patient people person"
    " player staff student subscriber teacher user".split()
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"(?=(?:\D*\d){7,15}\D*$)(?:\+\d|\(\d)[\d\s().\-/]*\d")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"\d(?:[ -]?\d){12,18}")
# Of the values that are there, so many have to be of a kind.
SHARE = 0.8


def looks_personal(table: str, name: str, type_: str, values: Sequence[str | None] = ()) -> str:
    """Why a column looks personal, for a person to read; empty where it does not. Never has a value in it.

    :param type_: its type, in the form of contracts.
    :param values: some of its values.
    """
    words = _words(name)
    # Flags and counts about a person are none of their particulars: `email_verified`, `phone_count`.
    if not type_.startswith(("tinyint", "bool")):
        for kind, phrases in _NAMES.items():
            if any(_stands_in(phrase.split(), words) for phrase in phrases):
                return f"its name says {kind}"
        whose = words[:-1] or _words(table)
        if words[-1:] == ["name"] and not _PEOPLE.isdisjoint(map(_singular, whose)):
            return "it is the name of a person"
    there = [value for value in values if value]
    for what, is_one in _KINDS.items():
        found = sum(bool(is_one(value)) for value in there)
        if there and found >= SHARE * len(there):
            return f"{found} of {len(there)} values looked at are {what}"
    return ""


def unclassified(contract: Contract) -> Iterator[tuple[str, str, str]]:
    """Table, column and why, of columns that look personal and of which the contract does not say whether they are."""
    for table_name, table in contract.tables.items():
        for name, column in table.columns.items():
            is_said = "personal" in column.model_fields_set or not column.copied
            if not is_said and (reason := looks_personal(table_name, name, column.type)):
                yield table_name, name, reason


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _stands_in(phrase: list[str], words: Sequence[str]) -> bool:
    """Whether the name ends with the phrase, numbers apart: `billing_address2`, but no `address_id`."""
    kept = [word for word in words if not word.isdigit()] or list(words)
    last = kept[-len(phrase) :]
    return phrase in (last, [*last[:-1], _singular(last[-1])])


def _singular(word: str) -> str:
    """`emails` -> `email`, `addresses` -> `address`; `address` stays."""
    if word.endswith("sses"):
        return word.removesuffix("es")
    return word if word.endswith("ss") else word.removesuffix("s")


def _is_ip(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "." in value or ":" in value


def _is_iban(value: str) -> bool:
    """ISO 13616: the first four signs moved to the end, letters as numbers from 10 on, modulo 97 is 1."""
    text = value.replace(" ", "").upper()
    return bool(_IBAN.fullmatch(text)) and int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def _is_card(value: str) -> bool:
    """ISO/IEC 7812: the digits' sum, every second one from the right doubled, is a multiple of ten."""
    if not _CARD.fullmatch(value):
        return False
    digits = [int(sign) for sign in reversed(value) if sign.isdigit()]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


_KINDS: dict[str, Callable[[str], object]] = {
    "e-mail addresses": _EMAIL.fullmatch,
    "IP addresses": _is_ip,
    "IBANs": _is_iban,
    "card numbers": _is_card,
    "telephone numbers": _PHONE.fullmatch,
}
