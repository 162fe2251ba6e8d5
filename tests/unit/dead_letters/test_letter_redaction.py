"""What a record may say: planted secrets and contents of rows must be gone, the rest must stay."""

from __future__ import annotations

import pytest

from tributary.dead_letters.redaction import MAX_LENGTH, one_line, without_secrets

SECRETS = {
    "password=hunter2secret": "hunter2secret",
    "PASSWORD: 'hunter 2 secret'": "hunter 2 secret",
    '{"password": "hunter2secret"}': "hunter2secret",
    "AIRBYTE_CLIENT_SECRET=hunter2secret": "hunter2secret",
    "api_key=hunter2secret&x=1": "hunter2secret",
    "mysql://root:hunter2secret@10.0.0.1:3306/shop": "hunter2secret",
    "postgresql+psycopg2://a:p@ss/w0rd@host/db": "p@ss",
    "https://storage.googleapis.com/b/o?X-Goog-Signature=hunter2secret": "hunter2secret",
    "Authorization: Bearer hunter2.secret-token": "hunter2.secret",
    "the header was Bearer hunter2secret": "hunter2secret",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl": "c2lnbmF0dXJl",
    "CREATE USER a IDENTIFIED BY 'hunter2secret'": "hunter2secret",
    "mysql -h db -phunter2secret shop": "hunter2secret",
    "key AIzaSyA1234567890abcdefghijklmnopqrstu is bad": "AIzaSy",
    "ya29.a0AfH6SMBx-hunter2secret": "hunter2secret",
    "-----BEGIN PRIVATE KEY-----\nMIIEhunter2\n-----END PRIVATE KEY-----": "MIIEhunter2",
    "cut: -----BEGIN RSA PRIVATE KEY-----\nMIIEhunter2": "MIIEhunter2",
    "session 0123456789abcdef0123456789abcdef01": "0123456789abcdef",
    "my password is hunter2secret": "hunter2secret",
}
PERSONAL = {
    "no mail to jane.doe+x@example.co.uk, sorry": "jane.doe",
    "Duplicate entry 'jane@example.com' for key 'customers.email'": "jane",
    "call +49 170 1234567 now": "1234567",
    "card 4111 1111 1111 1111 refused": "1111",
    "IBAN DE89 3704 0044 0532 0130 00": "3704",
}
ROWS = {
    "(1062, \"Duplicate entry 'O'Brien-7' for key 'customers.PRIMARY'\")": "Brien",
    "(1062, 'Duplicate entry \\'O\"Brien\\' for key \\'a.b\\'')": "Brien",
    "Incorrect date value: '1877-x' for column `shop`.`t`.`born` at row 1": "1877",
    "Incorrect string value: 'it's O' Neil' for column 'name' at row 3": "Neil",
    "Bad int64 value: Jane Doe": "Jane",
    "Bad int64 value: Jane Doe at row 3": "Jane",
    "Could not cast literal 'Jane' to type DATE at [1:8]": "Jane",
    "syntax error near 'INSERT INTO t VALUES (1,'Jane')' at line 3": "Jane",
    "INSERT INTO t (a) VALUES (17, 'Jane', 'Doe'), (18, 'Joe', 'Doe')": "Joe",
    "duplicate key\nDETAIL:  Key (name)=(Jane Doe) already exists.": "Jane",
    "null value\nDETAIL:  Failing row contains (1, Jane Doe, null).": "Jane",
    "failed\n[SQL: SELECT 1]\n[parameters: {'name': 'Jane'}]": "Jane",
    "answered 400: {\"row\": {\"name\": \"Jane\", \"age\": 42}}": "42",
    "found 'Jane' where none was": "Jane",
    'found "Jane" where none was': "Jane",
    "a quote that never ends: 'Jane Doe": "Jane",
    "1 validation error [type=x, input_value=Jane, input_type=str]": "Jane",
    "- customers.email: unique (x; contracts/retail.yaml): 3 of 9 rows (33 %): found Jane; such as id=77": "77",
    "- customers: count (x; y): found Jane": "Jane",
}  # fmt: skip


def test_the_name_of_a_collation_stays():
    text = "ERROR 1273 (HY000) at line 17: Unknown collation: 'utf8mb4_0900_ai_ci'"
    assert one_line(text) == text


@pytest.mark.parametrize(("text", "planted"), [*SECRETS.items(), *PERSONAL.items(), *ROWS.items()])
def test_what_was_planted_is_gone(text: str, planted: str):
    assert planted in text
    assert planted not in one_line(f"It failed: {text}")


@pytest.mark.parametrize(("text", "planted"), [*SECRETS.items(), *PERSONAL.items()])
def test_a_person_s_words_lose_their_secrets_too(text: str, planted: str):
    assert planted not in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "Table 'shop_eu.orders' doesn't exist in database 'shop_eu'",
        "(1146, \"Table 'shop_eu.orders' doesn't exist\")",
        "Access denied for user <redacted>@<redacted> (using password: YES)",
        "503 GET http://127.0.0.1:9050/bigquery/v2/projects/p: backendError",
        "the job 0194f1c4-2d7e-7aaa-8bbb-1234567890ab ended without success after 2013-01-02 03:04:05",
        "raw__shop_eu: 12 rows in the dump, 11 in raw; clear import_dump and what follows",
    ],
)
def test_what_a_person_needs_stays(text: str):
    shown = one_line(text)
    for word in (
        "orders",
        "YES",
        "503",
        "backendError",
        "0194f1c4-2d7e-7aaa-8bbb-1234567890ab",
        "03:04:05",
        "11 in raw",
    ):
        assert (word in text) == (word in shown), shown


def test_it_is_one_bounded_line():
    shown = one_line("first\nsecond\r\n\x1b[31mthird\x00 " + "word " * 10_000)
    assert shown.startswith("first second")
    assert len(shown) == MAX_LENGTH
    assert shown.isprintable()


def test_a_secret_is_not_cut_in_two():
    for before in range(3_960, 4_000):
        shown = one_line(f"'{'x' * before}' jane.doe@example.com")
        assert "jane" not in shown


def test_a_huge_text_costs_no_time():
    import time

    for hostile in ("'" * 200_000, "a@" * 100_000, "{:" * 100_000, "1 " * 100_000, "password " * 30_000, "a" * 200_000):
        begin = time.perf_counter()
        one_line(hostile)
        assert time.perf_counter() - begin < 1, hostile[:10]


def test_what_airflow_masks_is_masked(monkeypatch: pytest.MonkeyPatch):
    from airflow.sdk._shared.secrets_masker import _secrets_masker, mask_secret

    monkeypatch.setattr(_secrets_masker(), "patterns", set())
    monkeypatch.setattr(_secrets_masker(), "replacer", None)
    mask_secret("plainlookingword")
    assert "plainlookingword" not in one_line("it said plainlookingword to me")
