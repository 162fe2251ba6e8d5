"""Rows out of a staging database: triggers, foreign keys, accents, and tries that end in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.operators.conftest import NUMBERS
from tests.support.services import LocalCloud
from tributary.contracts import Contract
from tributary.forgetting import staging
from tributary.forgetting.requests import Request
from tributary.forgetting.staging import by_table, counted, take_out
from tributary.hooks.clients import staging_server

CONTRACT = Contract.model_validate(
    {
        "app": "shop",
        "tables": {
            "people": {"primary_key": ["id"], "columns": {"id": {"type": "int"}, "nick": {"type": "varchar(20)"}}},
            "orders": {"primary_key": ["id"], "columns": {"id": {"type": "bigint"}, "person": {"type": "int"}}},
            "lines": {"primary_key": ["id"], "columns": {"id": {"type": "int"}, "order_id": {"type": "bigint"}}},
            "gifts": {"primary_key": ["id"], "columns": {"id": {"type": "int"}, "line_id": {"type": "int"}}},
        },
        "subjects": {
            "person": {
                "tables": {
                    "people": "id",
                    "orders": "person",
                    "lines": {"column": "order_id", "through": "orders"},
                    "gifts": {"column": "line_id", "through": "lines"},
                }
            },
            "nick": {"tables": {"people": "nick"}},
        },
    }
)
TABLES = """
create table people (id int primary key, nick varchar(20)) default character set utf8mb4 collate utf8mb4_general_ci;
create table orders (id bigint primary key, person int, foreign key (person) references people (id));
create table `lines` (id int primary key, order_id bigint, foreign key (order_id) references orders (id));
create table gifts (id int primary key, line_id int, foreign key (line_id) references `lines` (id));
create table log (what varchar(20));
create trigger gone after delete on people for each row insert into log values (old.nick);
insert into people values (1, 'ada'), (2, 'Bo'), (3, 'bo'), (4, 'bö');
insert into orders values (10, 1), (20, 2), (21, 2);
insert into `lines` values (100, 10), (200, 20), (210, 21), (211, 21);
insert into gifts values (1000, 100), (2000, 211)
"""


class Staged:
    """A staging database with an imported dump."""

    def __init__(self, mysql: Any, name: str) -> None:
        self.mysql, self.name = mysql, name

    def take_out(self, *wanted: tuple[str, str]) -> staging.Counts:
        requests = [Request("shop", subject, self.name, key, "tests", "tests") for subject, key in wanted]
        return take_out(self.mysql, self.name, CONTRACT, requests)

    def ids(self, table: str) -> list[int]:
        return [row[0] for row in self.mysql.get_records(f"select id from `{self.name}`.`{table}` order by id")]


@pytest.fixture
def staged(cloud: LocalCloud) -> Iterator[Staged]:
    mysql, name = staging_server("staging"), f"people_{next(NUMBERS)}"
    mysql.run(f"create database {name}")
    mysql.run([f"use {name}", *TABLES.strip().split(";\n")])
    yield Staged(mysql, name)
    mysql.run(f"drop database {name}")


def test_rows_go_with_those_that_refer_to_them_and_no_trigger_runs(staged: Staged):
    assert by_table(staged.take_out(("person", "2"))) == {"people": 1, "orders": 2, "lines": 3, "gifts": 1}
    assert (staged.ids("people"), staged.ids("orders")) == ([1, 3, 4], [10])
    assert (staged.ids("lines"), staged.ids("gifts")) == ([100], [1000])
    assert staged.mysql.get_records(f"select * from {staged.name}.log") == ()


def test_each_request_is_counted_by_itself_and_again_counts_nothing_more(staged: Staged):
    first = staged.take_out(("person", "2"), ("person", "1"), ("person", "9"))
    of = {request: {table: rows for (one, table), rows in first.items() if one == request} for request, _ in first}
    assert sorted(map(str, of.values())) == sorted(
        map(
            str,
            (
                {"gifts": 1, "lines": 3, "orders": 2, "people": 1},
                {"gifts": 1, "lines": 1, "orders": 1, "people": 1},
                {"gifts": 0, "lines": 0, "orders": 0, "people": 0},
            ),
        )
    )
    assert staged.take_out(("person", "2"), ("person", "1"), ("person", "9")) == first
    assert counted(staged.mysql, staged.name) == first


def test_texts_are_compared_letter_by_letter(staged: Staged):
    assert by_table(staged.take_out(("nick", "bo"))) == {"people": 1}
    assert staged.ids("people") == [1, 2, 4]


def test_a_try_that_ends_in_between_has_removed_and_counted_nothing(staged: Staged, monkeypatch: pytest.MonkeyPatch):
    take: Callable[..., None] = staging._take_out_of

    def killed(cursor: Any, name: str, table: str, *more: Any) -> None:
        take(cursor, name, table, *more)
        if table == "lines":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(staging, "_take_out_of", killed)
        with pytest.raises(KeyboardInterrupt):
            staged.take_out(("person", "2"))
    assert counted(staged.mysql, staged.name) == {}
    assert staged.ids("lines") == [100, 200, 210, 211]
    assert by_table(staged.take_out(("person", "2")))["lines"] == 3


def test_where_nothing_was_asked_for_nothing_is_counted(staged: Staged):
    assert counted(staged.mysql, staged.name) == {}
