"""How records merge, and how their status moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tributary.dead_letters.record import NOT_REPORTED, DeadLetter, Status, object_name, subject_of
from tributary.dumps.selection import DEFAULT_PATTERN, DumpObject, choose_dump
from tributary.errors import TributaryError
from tributary.registry import load_registry

Make = Callable[..., DeadLetter]


def test_a_record_comes_back_as_it_went(letter: Make):
    record = letter(code="1045", dump_uri="gs://dumps/x.sql.gz", dump_generation=1700000000000000)
    assert DeadLetter.model_validate_json(record.to_json()) == record
    assert '"schema": 1' in record.to_json()


def test_the_object_is_named_by_database_day_and_step(letter: Make):
    assert object_name(letter().id) == "_dead_letters/shop_eu/2013-01-02/sync.json"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "sync",
        "shop_eu/2013-01-02",
        "../2013-01-02/x",
        "shop_eu/2013-01-02/../x",
        "shop_eu/2013-01-02/sync/x",
        "a/b/c",
    ],
)
def test_what_is_no_id_names_no_object(wrong: str):
    with pytest.raises(TributaryError, match="shop_eu/2013-01-02/sync"):
        object_name(wrong)


def test_the_same_failure_told_twice_counts_once(letter: Make):
    once = letter(tries=6)
    assert once.absorb(letter(tries=6, at=1)) == once


def test_a_second_failure_adds_its_tries_and_moves_the_end(letter: Make):
    first = letter(tries=6)
    # Airflow counts on in the same run: tries 7 to 12 are the second failure's.
    second = first.absorb(letter(key="try_2", tries=12, at=30, reason="Timeout", message="too late"))
    assert second.tries == 12
    assert (second.first_failed_at, second.last_failed_at) == (
        first.first_failed_at,
        first.last_failed_at + timedelta(minutes=30),
    )
    assert (second.reason, second.message) == ("Timeout", "too late")
    third = second.absorb(letter(key="try_3", tries=2, at=60, run_id="run_2"))
    assert third.tries == 14
    assert third.run_id == "run_2"


def test_a_run_that_was_made_anew_counts_from_one(letter: Make):
    assert letter(tries=6).absorb(letter(key="other", tries=1, at=9)).tries == 7


def test_an_older_failure_that_arrives_late_changes_no_words(letter: Make):
    newer = letter(key="b", tries=2, at=10, reason="New")
    merged = newer.absorb(letter(key="a", tries=1, at=0, reason="Old", run_id="run_0"))
    assert (merged.reason, merged.tries, merged.first_failed_at) == ("New", 3, letter().first_failed_at)
    assert merged.last_failed_at == newer.last_failed_at


@pytest.mark.parametrize("move", ["replaying", "replayed"])
def test_a_new_failure_opens_a_record_again(letter: Make, move: str):
    record = letter()
    moved = getattr(record, move)(record.changed_at + timedelta(minutes=5))
    assert moved.status is Status(move)
    again = moved.absorb(letter(key="try_2", tries=2, at=10))
    assert (again.status, again.outcome) == (Status.open, "failed again")


def test_a_failure_from_before_the_success_leaves_the_record_closed(letter: Make):
    closed = letter(at=0).replayed(letter(at=20).changed_at)
    late = closed.absorb(letter(key="spooled", tries=2, at=10))
    assert late.status is Status.replayed
    assert late.tries == 2


def test_a_resolved_record_stays_resolved_though_its_step_succeeds(letter: Make):
    resolved = letter().resolved(letter(at=5).changed_at, "ann", "not needed")
    assert resolved.replayed(letter(at=9).changed_at) == resolved
    assert (resolved.status, resolved.resolved_by, resolved.why) == (Status.resolved, "ann", "not needed")


def test_who_knows_more_fills_in_what_the_first_teller_did_not_know(letter: Make):
    swept = letter(tries=1, reason=NOT_REPORTED, message="killed")
    told = swept.absorb(letter(tries=6, reason="SyncError", dump_uri="gs://dumps/x"))
    assert (told.reason, told.dump_uri, told.tries, len(told.occurrences)) == ("SyncError", "gs://dumps/x", 6, 1)
    assert told.absorb(swept) == told


events = some.lists(
    some.tuples(some.integers(0, 4), some.integers(1, 3), some.sampled_from(["run_1", "run_2"])), min_size=1, max_size=6
)


@given(events)
def test_any_failure_may_be_told_again_at_any_time(told: list[tuple[int, int, str]]):
    from tests.unit.dead_letters.letters_in_memory import make_letter

    letters = [make_letter(key=f"{run}-{at}", at=at, tries=tries, run_id=run) for at, tries, run in told]
    record = letters[0]
    for letter in letters[1:]:
        record = record.absorb(letter)
    for letter in letters:
        assert record.absorb(letter).tries == record.tries
    assert len({occurrence.key for occurrence in record.occurrences}) == len(record.occurrences)


def test_only_our_dags_have_records():
    assert subject_of("elt__shop_eu") == ("shop_eu", "shop_eu")
    assert subject_of("consolidate") == ("consolidate", None)
    assert subject_of("somebody_elses") is None


def patterns() -> list[tuple[str, str]]:
    registry = load_registry()
    shipped = [(name, database.dump_pattern) for name, database in registry.databases.items()]
    return [*shipped, ("shop_eu", DEFAULT_PATTERN), ("shop_eu", "{database}/*"), ("shop_eu", "{database}/{date}/*")]


@pytest.mark.parametrize(("database", "pattern"), patterns())
def test_no_record_is_ever_taken_for_a_dump(database: str, pattern: str, letter: Make):
    day = date(2013, 1, 2)
    names = [object_name(f"{database}/{day}/{task}") for task in ("sync", "transform.orders_run", "x.sql.gz", "x.sql")]
    objects: list[Any] = [DumpObject("b", name, 1, 10, letter().changed_at) for name in names]
    assert choose_dump(objects, database, day, pattern) is None, (
        f"{database}: the pattern {pattern!r} takes a dead letter for a dump; begin it with a folder of its own"
    )
