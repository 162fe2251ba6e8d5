"""The list of dead letters, and what may be done about one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.dead_letters.letters_in_memory import T0, make_letter
from tests.unit.ui.facts_in_memory import NOW, letter_row
from tributary.dead_letters.record import DAG_IMPORT, DeadLetter
from tributary.ui.facts import Letter, Snapshot
from tributary.ui.letters_page import PAGE_LETTERS, Wish, can_replay, can_resolve, fields, letters_page


def listed(*rows: dict[str, object]) -> Snapshot:
    return Snapshot(None, NOW, copied_letters={str(row["id"]): Letter.of_row(row) for row in rows})


SHOWN = listed(
    letter_row("shop_eu/2013-01-02/sync"),
    letter_row("shop_eu/2013-01-03/publish", "replaying", message="Quota exceeded"),
    letter_row("shop_us/2013-01-04/sync", "resolved"),
)


@pytest.mark.parametrize(
    ("wish", "ids"),
    [
        (Wish(), ["shop_eu/2013-01-03/publish", "shop_eu/2013-01-02/sync"]),
        (Wish(status="open"), ["shop_eu/2013-01-02/sync"]),
        (Wish(status="resolved"), ["shop_us/2013-01-04/sync"]),
        (Wish("/sync", "all"), ["shop_eu/2013-01-02/sync", "shop_us/2013-01-04/sync"]),
        (Wish("QUOTA"), ["shop_eu/2013-01-03/publish"]),
        (Wish("nothing"), []),
    ],
)
def test_a_wish_chooses_records_what_is_not_closed_first(wish: Wish, ids: list[str]):
    found = letters_page(SHOWN, wish, lambda letter: True)
    assert [letter.id for letter in found.shown] == ids
    assert (found.counts["all"], found.counts["not closed"], found.counts["open"]) == (3, 2, 1)


def test_what_may_not_be_read_is_neither_shown_nor_counted():
    found = letters_page(SHOWN, Wish(status="all"), lambda letter: letter.subject == "shop_us")
    assert [letter.id for letter in found.shown] == ["shop_us/2013-01-04/sync"]
    assert found.counts["all"] == 1


def test_a_long_list_has_pages_and_the_last_one_its_rest():
    rows = [letter_row(f"shop_eu/2013-01-02/t{number:03}") for number in range(2 * PAGE_LETTERS + 1)]
    first = letters_page(listed(*rows), Wish(), lambda letter: True)
    last = letters_page(listed(*rows), Wish(page=99), lambda letter: True)
    assert (len(first.shown), first.pages, last.wish.page, len(last.shown)) == (PAGE_LETTERS, 3, 3, 1)


LATER = T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("record", "replayable", "resolvable"),
    [
        (make_letter(), True, True),
        (make_letter().replaying(LATER), False, True),
        (make_letter().replayed(LATER), False, False),
        (make_letter().resolved(LATER, "anna", "why"), False, False),
        (make_letter(task_id=DAG_IMPORT, dag_id=None), False, True),
        (make_letter(dag_id=None), False, True),
    ],
)
def test_what_may_be_done(record: DeadLetter, replayable: bool, resolvable: bool):
    assert (can_replay(record) is None, can_resolve(record)) == (replayable, resolvable)


def test_every_field_of_a_record_is_shown_that_is_known():
    known = make_letter(dump_uri="gs://x", advice="look").replaying(LATER, "anna")
    labels = dict(fields(known))
    assert labels["Replayed by"] == "anna"
    assert labels["What to do"] == "look"
    assert "Resolved by" not in labels
    # Shown elsewhere on the page, or another way to say what is.
    elsewhere = {"schema_", "subject", "status", "occurrences", "log_url"}
    from tributary.ui.letters_page import _FIELDS

    assert {*DeadLetter.model_fields, "replay"} - {name for _, name in _FIELDS} == elsewhere
