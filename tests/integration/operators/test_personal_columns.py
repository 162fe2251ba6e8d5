"""Personal columns on their way from a dump to raw: hashed and masked before anything reads them, whatever happens."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import redact
from airflow.sdk.exceptions import AirflowRescheduleException

from tests.integration.operators.conftest import DAY, PERSONAL_KEY, Killed, Kiosk
from tributary.contracts import Contract
from tributary.errors import PersonalDataError, TributaryError
from tributary.hooks.clients import bigquery_client, staging_server
from tributary.privacy.concealing import Concealment
from tributary.privacy.expressions import HashKey

TABLES = """
  people:
    primary_key: [email]
    columns:
      email: {type: varchar(99), personal: hash}
      name: {type: varchar(99), personal: drop}
      phone: {type: varchar(30), personal: mask, nullable: true}
      born: {type: date, personal: mask}
      insurance: {type: int unsigned, personal: hash, nullable: true}
  orders:
    primary_key: [id]
    columns:
      id: {type: int}
      email: {type: varchar(99), personal: hash}
"""
PEOPLE = (
    "`email` varchar(99) NOT NULL, `name` varchar(99) NOT NULL, `phone` varchar(30), `born` date NOT NULL, "
    "`insurance` int unsigned"
)
ROWS = (
    "('ada@example.com','Ada Planted','+49 30 5551234','1815-12-10',4711),"
    "('bob@example.com','Bob Planted',NULL,'1960-02-03',NULL)"
)
DUMP = """CREATE TABLE `people` ({people}, PRIMARY KEY (`email`), KEY `by_phone` (`phone`){more});
CREATE TABLE `orders` (`id` int NOT NULL, `email` varchar(99) NOT NULL, PRIMARY KEY (`id`),
  CONSTRAINT `whose` FOREIGN KEY (`email`) REFERENCES `people` (`email`));
INSERT INTO `people` VALUES {rows};
INSERT INTO `orders` VALUES (1,'ada@example.com'),(2,'ada@example.com');
-- Dump completed on 2013-01-01  2:00:00
"""


def dump(people: str = PEOPLE, rows: str = ROWS, more: str = "") -> str:
    return DUMP.format(people=people, rows=rows, more=more)


def hashed(value: str, key: str = PERSONAL_KEY) -> str:
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def kiosk(make_kiosk: Callable[..., Kiosk]) -> Any:
    made = make_kiosk(TABLES)
    made.leave(dump())
    yield made
    made.leave_airbyte()


def load(kiosk: Kiosk, *steps: str) -> Any:
    """Run these steps, or all up to `reconcile`; returns what the last one did."""
    done = None
    for step in steps or ("preflight", "import_dump", "sync", "reconcile"):
        done = kiosk.step(step)
        if step == "preflight":
            kiosk.checked = done
    return done


def raw(kiosk: Kiosk, table: str = "people") -> list[dict[str, Any]]:
    rows = bigquery_client().query(f"select * from raw__{kiosk.name}.{table}").result()
    found = [{name: value for name, value in row.items() if not name.startswith("_airbyte")} for row in rows]
    return sorted(found, key=str)


def definitions(kiosk: Kiosk) -> str:
    mysql = staging_server("staging")
    return "\n".join(
        mysql.get_first(f"show create table `{kiosk.name}`.`{table}`")[1] for table in ("people", "orders")
    )


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_raw_has_hashes_and_masks_and_staging_keeps_no_key(kiosk: Kiosk, said: pytest.LogCaptureFixture):
    done = [json.dumps(load(kiosk, step), default=str) for step in ("preflight", "import_dump", "sync")]
    assert HashKey.of(PERSONAL_KEY.encode()).inner in definitions(kiosk)
    assert load(kiosk, "reconcile") == {"people": 2, "orders": 2}
    people = {row["email"]: row for row in raw(kiosk)}
    assert set(people) == {hashed("ada@example.com"), hashed("bob@example.com")}
    ada, bob = (people[hashed(f"{name}@example.com")] for name in ("ada", "bob"))
    assert (ada["phone"], str(ada["born"]), ada["insurance"]) == ("****1234", "1815-01-01", hashed("4711"))
    assert (bob["phone"], str(bob["born"]), bob["insurance"]) == (None, "1960-01-01", None)
    assert set(ada) == {"email", "phone", "born", "insurance"}
    assert [row["email"] for row in raw(kiosk, "orders")] == [hashed("ada@example.com")] * 2
    # What was computed is gone from the staging database, and with it what the key is known by.
    key = HashKey.of(PERSONAL_KEY.encode())
    after = definitions(kiosk)
    assert "_personal_" not in after
    assert "unhex" not in after
    for text in (said.text, *done):
        assert not [secret for secret in (PERSONAL_KEY, key.inner, key.outer) if secret in text]
    assert redact(f"x{key.inner}x{key.outer}x{PERSONAL_KEY}") == "x***x***x***"


def test_a_cleared_reconcile_or_sync_makes_them_anew(kiosk: Kiosk):
    load(kiosk)
    before = raw(kiosk)
    assert load(kiosk, "reconcile") == {"people": 2, "orders": 2}
    load(kiosk, "sync", "reconcile")
    assert raw(kiosk) == before


def test_two_databases_have_the_same_hash_of_a_value(kiosk: Kiosk, make_kiosk: Callable[..., Kiosk]):
    other = make_kiosk("  visits: {columns: {id: {type: int}, who: {type: tinytext, personal: hash}}}\n")
    other.leave(
        "CREATE TABLE `visits` (`id` int NOT NULL, `who` tinytext CHARACTER SET latin1 NOT NULL);\n"
        "INSERT INTO `visits` VALUES (7,'ada@example.com');\n-- Dump completed on 2013-01-01  2:00:00\n"
    )
    load(kiosk)
    load(other)
    query = f"select id from raw__{other.name}.visits join raw__{kiosk.name}.people on who = email"
    assert [row["id"] for row in bigquery_client().query(query).result()] == [7]
    other.leave_airbyte()


def change(kiosk: Kiosk, before: str, after: str) -> None:
    """Deploy another contract."""
    said = kiosk.database.contract.model_dump(mode="json", exclude_unset=True)
    text = json.dumps(said)
    assert before in text
    kiosk.database = kiosk.database.model_copy(
        update={"contract": Contract.model_validate(json.loads(text.replace(before, after)))}
    )


def test_a_changed_contract_is_read_by_the_next_sync_of_the_same_staging_database(kiosk: Kiosk):
    load(kiosk, "preflight", "import_dump", "sync")
    change(
        kiosk,
        '"type": "varchar(30)", "nullable": true, "personal": "mask"',
        '"type": "varchar(30)", "nullable": true, "personal": "hash"',
    )
    load(kiosk, "sync", "reconcile")
    assert {row["phone"] for row in raw(kiosk)} == {hashed("+49 30 5551234"), None}
    change(kiosk, '"type": "date", "personal": "mask"', '"type": "date", "personal": false')
    load(kiosk, "sync", "reconcile")
    assert {str(row["born"]) for row in raw(kiosk)} == {"1815-12-10", "1960-02-03"}


def test_with_another_key_no_job_of_the_old_one_is_gone_on_with(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch):
    load(kiosk, "preflight", "import_dump")
    with monkeypatch.context() as patch:
        patch.setattr("tributary.operators.outside_job.OutsideJobMixin.wait_for_end", killed)
        with pytest.raises(Killed):
            load(kiosk, "sync")
    new = "another key, that is of 32 characters and more"
    monkeypatch.setenv("AIRFLOW_CONN_PERSONAL_DATA", json.dumps({"conn_type": "generic", "password": new}))
    before, done = len(kiosk.jobs("sync")), None
    while done is None:
        # It steps back while the old job still reads.
        with suppress(AirflowRescheduleException):
            done = load(kiosk, "sync")
    assert len(kiosk.jobs("sync")) == before + 1
    load(kiosk, "reconcile")
    assert {row["email"] for row in raw(kiosk)} == {hashed(f"{name}@example.com", new) for name in ("ada", "bob")}


def killed(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.mark.parametrize("at", range(8))
def test_a_try_that_is_killed_between_two_statements_is_gone_on_with(
    kiosk: Kiosk, at: int, monkeypatch: pytest.MonkeyPatch
):
    load(kiosk, "preflight", "import_dump")
    alter, done = Concealment._alter, []

    def alter_or_die(self: Concealment, table: str, statement: str) -> None:
        if len(done) == at:
            raise Killed
        done.append(statement)
        alter(self, table, statement)

    with monkeypatch.context() as patch:
        patch.setattr(Concealment, "_alter", alter_or_die)
        with pytest.raises(Killed):
            load(kiosk, "sync")
    load(kiosk, "sync", "reconcile")
    assert {row["email"] for row in raw(kiosk)} == {hashed("ada@example.com"), hashed("bob@example.com")}


def test_a_column_that_the_dump_has_under_the_other_name_stays_the_dumps(kiosk: Kiosk):
    rows = ROWS.replace("),", ",'mine'),").replace("NULL)", "NULL,'mine')")
    kiosk.leave(dump(PEOPLE + ", `_personal_email` varchar(9)", rows))
    load(kiosk, "preflight", "import_dump")
    with pytest.raises(PersonalDataError, match="has a column _personal_email of its own"):
        load(kiosk, "sync")
    assert "`_personal_email` varchar(9)" in definitions(kiosk)


@pytest.mark.parametrize(("key", "kind", "words"), [
    (None, TributaryError, "connection `personal_data` .* found no such connection"),
    ("too short", PersonalDataError, "at least 32 characters, .*; found 9 characters"),
])  # fmt: skip
def test_without_a_key_nothing_is_copied(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, key: str | None, kind: type, words: str
):
    if key is None:
        monkeypatch.delenv("AIRFLOW_CONN_PERSONAL_DATA")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_PERSONAL_DATA", json.dumps({"conn_type": "generic", "password": key}))
    load(kiosk, "preflight", "import_dump")
    with pytest.raises(kind, match=f"hashes people.email, people.insurance, orders.email: expected .*{words}") as told:
        load(kiosk, "sync")
    assert type(told.value) is kind
    assert not key or key not in str(told.value)


def test_where_nothing_is_hashed_no_key_is_asked_for(make_kiosk: Callable[..., Kiosk], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AIRFLOW_CONN_PERSONAL_DATA")
    kiosk = make_kiosk(
        "  lines: {primary_key: [id], columns: {id: {type: int}, text: {type: varchar(40), personal: mask}}}\n"
    )
    load(kiosk)
    assert {row["text"] for row in raw(kiosk, "lines")} == {"****"}
    kiosk.leave_airbyte()


def test_a_text_that_the_server_cannot_hash_is_no_null(make_kiosk: Callable[..., Kiosk]):
    kiosk = make_kiosk(
        "  notes: {columns: {id: {type: int}, note: {type: longtext, personal: hash, nullable: true}}}\n"
    )
    kiosk.leave(
        "CREATE TABLE `notes` (`id` int NOT NULL, `note` longtext);\n"
        f"INSERT INTO `notes` VALUES (1,NULL),(2,'{'x' * 700_000}'),(3,'short');\n"
        "-- Dump completed on 2013-01-01  2:00:00\n"
    )
    load(kiosk, "preflight", "import_dump")
    mysql = staging_server("staging")
    (before,) = mysql.get_first("select @@global.max_allowed_packet")
    mysql.run("set global max_allowed_packet = 524288")
    try:
        for _ in range(2):
            with pytest.raises(PersonalDataError, match=r"notes\.note: .* found 1 that are longer"):
                load(kiosk, "sync")
    finally:
        mysql.run(f"set global max_allowed_packet = {before}")
    assert kiosk.jobs("sync") == []
    kiosk.leave_airbyte()


def test_a_server_that_refuses_the_computed_column_is_not_quoted(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
):
    load(kiosk, "preflight", "import_dump")
    monkeypatch.setattr("tributary.privacy.concealing.concealed", lambda *of: f"'{of[-1].inner}' from")
    with pytest.raises(TributaryError, match=r"could not compute its hash \(error 1064\); nothing was copied") as told:
        load(kiosk, "sync")
    assert HashKey.of(PERSONAL_KEY.encode()).inner not in f"{told.value!r} {said.text}"
    assert told.value.__suppress_context__


def test_a_column_whose_definition_changed_is_hashed_as_well(kiosk: Kiosk):
    """Renamed, of another type, and gone: what the decisions made of it is what is hashed."""
    change(kiosk, '"app": "kiosk"', '"app": "kiosk", "on_change": "evolve"')
    people = PEOPLE.replace("`insurance` int unsigned", "`insurance` varchar(20)").replace("`phone` varchar(30), ", "")
    people = people.replace("`email`", "`login_mail`")
    text = dump(people, ROWS.replace("'+49 30 5551234',", "").replace("'Bob Planted',NULL", "'Bob Planted'"))
    text = text.replace("(`email`), KEY `by_phone` (`phone`)", "(`login_mail`)").replace(
        "`people` (`email`)", "`people` (`login_mail`)"
    )
    kiosk.leave(text.replace(",4711)", ",'4711')"))
    load(kiosk)
    people_now = {row["email"]: row for row in raw(kiosk)}
    ada = people_now[hashed("ada@example.com")]
    assert (ada["phone"], ada["insurance"]) == (None, hashed("4711"))
    assert [one["outcome"] for one in kiosk.checked["changes"]]
    assert kiosk.day == DAY
