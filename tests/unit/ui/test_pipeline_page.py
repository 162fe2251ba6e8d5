"""The Pipeline page's rows, without HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.ui.facts_in_memory import (
    NOW,
    TODAY,
    days_before,
    letter_row,
    published_row,
    run_row,
    small_registry,
    timing_row,
    with_broken,
)
from tributary.ui.expected import State
from tributary.ui.facts import Letter, Snapshot, published_of, quality_of, runs_of, timings_of
from tributary.ui.pipeline_page import DatabaseRow, Wish, database_rows, pipeline
from tributary.ui.strip import Cell

REGISTRY = small_registry(shop_eu="retail", shop_us="retail", airport_jfk="flights")
ALL = {"elt__shop_eu", "elt__shop_us", "elt__airport_jfk", "consolidate"}


def snapshot(**facts: object) -> Snapshot:
    return Snapshot(REGISTRY, NOW, **facts)  # type: ignore[arg-type]


def row(shown: Snapshot, name: str = "shop_eu") -> DatabaseRow:
    assert shown.registry is not None
    return next(row for row in database_rows(shown, shown.registry, NOW, ALL) if row.name == name)


def letters(*rows: dict[str, object]) -> dict[str, Letter]:
    return {str(one["id"]): Letter.of_row(one) for one in rows}


def test_a_strip_has_a_cell_for_each_of_the_last_days():
    shown = snapshot(
        runs=runs_of(
            [
                run_row("shop_eu", days_before(5)),
                run_row("shop_eu", days_before(4), hours=3.1),
                run_row("shop_eu", days_before(2)),
                run_row("shop_eu", TODAY, state="transforming"),
            ]
        ),
        open_letters=letters(
            letter_row(f"shop_eu/{days_before(3)}/sync"),
            letter_row(f"shop_eu/{days_before(2)}/sync"),
            letter_row(f"shop_eu/{days_before(1)}/sync", "replaying"),
        ),
        copied_letters=letters(letter_row(f"shop_eu/{days_before(6)}/sync", "resolved")),
    )
    strip = row(shown).strip
    assert strip is not None
    assert strip.days[-1] == TODAY
    assert len(strip.days) == 14
    assert strip.cells[-7:] == [
        Cell.failed, Cell.landed, Cell.late, Cell.failed, Cell.landed, Cell.running, Cell.running,
    ]  # fmt: skip
    assert set(strip.cells[:-7]) == {Cell.none}
    assert strip.words == (
        "2 landed; landed late 2013-01-10; failed 2013-01-08, 2013-01-11; "
        "in the making 2013-01-13, 2013-01-14; 7 nothing"
    )


@pytest.mark.parametrize(("queued_minutes_ago", "cell"), [(179, Cell.landed), (181, Cell.late)])
def test_a_run_that_a_person_began_is_late_by_when_it_was_queued(queued_minutes_ago: int, cell: Cell):
    landed = {**run_row("shop_eu", TODAY), "run_id": "manual__2013-01-14", "recorded_at": NOW}
    timing = {**timing_row("elt__shop_eu", TODAY, 60, "manual__2013-01-14")}
    timing["began_at"] = NOW - timedelta(minutes=queued_minutes_ago)
    shown = snapshot(runs=runs_of([landed]), timings=timings_of([timing]))
    assert row(shown).strip.cells[-1] is cell  # type: ignore[union-attr]
    unknown = snapshot(runs=runs_of([landed]))
    assert row(unknown).strip.cells[-1] is Cell.landed, "what is not known is not held against it"  # type: ignore[union-attr]


def test_a_row_has_the_newest_landed_rows_and_what_is_usual():
    shown = snapshot(
        runs=runs_of(
            [*(run_row("shop_eu", days_before(back), rows=100 - back) for back in range(3)),
             run_row("shop_eu", days_before(3), state="transforming", rows=7)]
        ),
        timings=timings_of([timing_row("elt__shop_eu", days_before(back), 10 * (back + 1)) for back in range(4)]),
        quality=quality_of(
            [
                {"database": "shop_eu", "layer": "raw", "dump_date": TODAY, "passed": 3, "failed": 1},
                {"database": "shop_eu", "layer": "marts", "dump_date": days_before(1), "passed": 0, "failed": 50},
            ]
        ),
        open_letters=letters(letter_row("shop_eu/2013-01-02/sync"), letter_row("shop_us/2013-01-02/sync")),
    )  # fmt: skip
    found = row(shown)
    assert (found.rows, list(found.trend)) == (100, [98, 99, 100])
    assert (found.seconds, found.usual_seconds) == (10, 30)
    assert found.quality is not None
    assert found.quality.rate == 0.75, "layers of older days are not the last run's"
    assert found.open_letters == 1
    assert row(Snapshot(REGISTRY, NOW)).state is State.never


def test_a_broken_entry_is_a_row_that_says_why():
    shown = Snapshot(with_broken(REGISTRY, "kiosk", "app: found 'x'"), NOW)
    assert row(shown, "kiosk").problem == "app: found 'x'"
    assert row(shown, "kiosk").state is State.broken


def test_who_may_read_one_dag_sees_one_row():
    shown = pipeline(snapshot(published=published_of([published_row()])), NOW, Wish(), {"elt__shop_us"})
    assert [found.name for found in shown.shown] == ["shop_us"]
    assert shown.consolidated is None


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (Wish(), ["shop_us", "airport_jfk", "shop_eu"]),
        (Wish(sort="-state"), ["shop_eu", "airport_jfk", "shop_us"]),
        (Wish(text="platform", sort="name"), ["airport_jfk", "shop_eu", "shop_us"]),
        (Wish(state="late"), ["shop_us"]),
        (Wish(app="retail", sort="landed"), ["shop_us", "shop_eu"]),
        (Wish(sort="-rows"), ["shop_eu", "shop_us", "airport_jfk"]),
        (Wish(sort="name", size=2, page=2), ["shop_us"]),
        (Wish(sort="name", size=2, page=9), ["shop_us"]),
        (Wish(text="nobody"), []),
    ],
)
def test_a_wish_chooses_rows_and_their_order(wish: Wish, names: list[str]):
    shown = snapshot(runs=runs_of([run_row("shop_eu", TODAY, rows=9), run_row("shop_us", days_before(1), rows=3)]))
    page = pipeline(shown, NOW, wish, ALL)
    assert [found.name for found in page.shown] == names
    assert page.total == 3
    assert sum(page.states.values()) == 3


def test_an_address_has_only_what_is_not_as_usual():
    assert Wish().query() == {}
    assert Wish(text="a b", page=4).query(sort="name") == {"text": "a b", "sort": "name"}
    assert Wish(state="late").query(page=2) == {"state": "late", "page": "2"}


@pytest.mark.parametrize(
    ("day", "hold", "late", "held"),
    [
        (TODAY, None, False, None),
        (days_before(1), None, False, None),
        (days_before(2), None, True, None),
        (TODAY, {"state": "released", "why": "x"}, False, None),
        (TODAY, {"state": "held", "why": "the audit"}, False, "the audit"),
        (TODAY, {"state": "held", "why": None}, False, "no reason was given"),
    ],
)
def test_consolidated_stands_on_top(day: object, hold: object, late: bool, held: str | None):
    row = published_row(day, as_of='{"shop_eu": "2013-01-14", "shop_us": "2013-01-01", "airport_jfk": null}')  # type: ignore[arg-type]
    found = pipeline(snapshot(published=published_of([row]), hold=hold), NOW, Wish(), ALL).consolidated
    assert found is not None
    assert (found.late, found.held, found.databases) == (late, held, 3)
    if day == TODAY:
        assert found.stale == 2
