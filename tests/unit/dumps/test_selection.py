"""Choosing a dump: by the time of the upload, never by what a name claims."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from tributary.dumps import DumpObject, choose_dump, prefix_for

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def dump(name: str, hours: float = 0, size: int = 10, generation: int = 1) -> DumpObject:
    return DumpObject("dumps", name, generation, size, NOON + timedelta(hours=hours))


def test_the_newest_by_time_wins_over_the_greatest_name() -> None:
    older = dump("shop_eu/2026-11-20/z_2099-01-01.sql.gz", hours=0)
    newer = dump("shop_eu/2026-11-20/a.sql.gz", hours=1)
    assert choose_dump([older, newer], "shop_eu", DAY) is newer


def test_there_may_be_none() -> None:
    assert choose_dump([], "shop_eu", DAY) is None


@pytest.mark.parametrize(
    "name",
    [
        "shop_eu/2026-11-20/shop_eu.sql.gz.part",
        "shop_eu/2026-11-20/shop_eu.sql.tmp",
        "shop_eu/2026-11-20/shop_eu.sql.gz_composed",
        "shop_eu/2026-11-20/.shop_eu.sql.gz",
        "shop_eu/2026-11-20/shop_eu.sql.gz~",
        "shop_eu/2026-11-19/shop_eu.sql.gz",
        "shop_us/2026-11-20/shop_us.sql.gz",
        "backup/shop_eu/2026-11-20/shop_eu.sql.gz",
        "shop_eu/2026-11-20/old/shop_eu.sql.gz",
        "shop_eu/2026-11-20/shop_eu.csv.gz",
        "shop_eu/2026-11-20/",
    ],
)
def test_other_names_are_left_out(name: str) -> None:
    good = dump("shop_eu/2026-11-20/shop_eu.sql.gz")
    assert choose_dump([dump(name, hours=5), good], "shop_eu", DAY) is good


def test_an_empty_object_is_left_out() -> None:
    good = dump("shop_eu/2026-11-20/a.sql.gz")
    empty = dump("shop_eu/2026-11-20/b.sql.gz", hours=1, size=0)
    assert choose_dump([good, empty], "shop_eu", DAY) is good


def test_ties_do_not_depend_on_the_order_of_listing() -> None:
    same_time = [
        dump("shop_eu/2026-11-20/a.sql.gz", generation=7),
        dump("shop_eu/2026-11-20/b.sql.gz", generation=9),
        dump("shop_eu/2026-11-20/c.sql.gz", generation=9),
    ]
    chosen = {choose_dump(order, "shop_eu", DAY) for order in itertools.permutations(same_time)}
    assert chosen == {same_time[2]}


def test_a_pattern_of_its_own() -> None:
    objects = [dump("nightly/2026-11-20_shop_eu_full.sql.gz"), dump("nightly/2026-11-20_shop_us_full.sql.gz")]
    chosen = choose_dump(objects, "shop_us", "2026-11-20", "nightly/{date}_{database}_*.sql.gz")
    assert chosen is objects[1]


def test_a_database_name_is_not_a_glob() -> None:
    assert choose_dump([dump("shop_eu/2026-11-20/x.sql")], "shop_?u", DAY) is None


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(ValueError, match=r"\{database\} and \{date\}.*\{tenant\}"):
        choose_dump([dump("x")], "shop_eu", DAY, "{tenant}/*.sql")


def test_an_upload_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone for gs://dumps/x"):
        DumpObject("dumps", "x", 1, 1, datetime(2026, 11, 20))


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("{database}/{date}/*.sql*", "shop_eu/2026-11-20/"),
        ("{database}/{date}/dump.sql.gz", "shop_eu/2026-11-20/dump.sql.gz"),
        ("*/{database}", ""),
        ("a[bc]/{database}", "a"),
        ("{database}-?{date}", "shop_eu-"),
    ],
)
def test_the_prefix_ends_before_the_first_glob_character(pattern: str, prefix: str) -> None:
    assert prefix_for(pattern, "shop_eu", DAY) == prefix
