"""What an emulator was asked to run is recorded as it was sent, and what it alone takes is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from tests.support import recorded_sql
from tests.support.bigquery import bigquery_of_its_own
from tests.support.googlesql import GoogleSql
from tests.support.published import client_of
from tests.support.statements import Statement
from tributary.ledger.store import execute


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    with bigquery_of_its_own(tmp_path_factory.mktemp("cloud")) as cloud:
        client = client_of(cloud.project)
        client.create_dataset("shop")
        execute(client, "create table shop.orders (id int64, tags array<string>, about json, total numeric)")
        yield client


def test_statements_are_recorded_once_with_the_types_of_their_parameters(client: bigquery.Client):
    for day in ("2013-01-01", "2013-01-02"):
        execute(client, "select cast(@day as date)", day=day)
    with pytest.raises(GoogleAPICallError):
        execute(client, "select * from shop.nowhere")
    found = recorded_sql.recorded(client)
    assert found.count(Statement("select cast(@day as date)", (("day", "STRING"),))) == 1
    assert "select * from shop.nowhere" not in {statement.sql for statement in found}


def test_a_type_that_the_emulator_has_otherwise_is_named(client: bigquery.Client):
    analysis = recorded_sql.Analysis(client)
    assert not analysis.refusals()
    # It makes a text of JSON.
    assert analysis.other_types == {"shop.orders.about"}


def test_a_copy_that_is_gone_is_known_by_its_source(client: bigquery.Client):
    client.copy_table("shop.orders", "shop.kept").result()
    execute(client, "select id from shop.kept")
    client.delete_table("shop.kept")
    recorded_sql.check(client)


def test_what_was_taken_is_not_asked_again(client: bigquery.Client, monkeypatch: pytest.MonkeyPatch):
    analysis = recorded_sql.Analysis(client)
    assert not analysis.refusals()
    execute(client, "select 2 as two")
    asked: list[Statement] = []
    monkeypatch.setattr(GoogleSql, "refusals", lambda google, statements, at_once: asked.extend(statements) or {})
    analysis.refusals()
    assert asked == [Statement("select 2 as two")]
    assert len(analysis.statements) > 1


def test_what_the_emulator_alone_takes_is_found(client: bigquery.Client):
    recorded_sql.check(client)
    alone = "select list_value(id, 1) as ids from shop.orders"
    execute(client, alone)
    with pytest.raises(AssertionError, match=r"1 statements(?s:.*)Function not found: list_value"):
        recorded_sql.check(client)
