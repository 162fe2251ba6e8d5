"""Shops differ, and a new one needs no file."""

import pytest

from simulator.retail.habits import catalogue, habits_of, regions


@pytest.mark.parametrize("region", regions())
def test_every_region_file_is_complete(region: str) -> None:
    habits = habits_of(f"shop_{region}")
    assert len(habits.weekdays) == 7
    assert sum(habits.weekdays) == pytest.approx(7, abs=0.01)
    assert any(method.at_once for method in habits.methods)
    assert any(not method.at_once for method in habits.methods)
    assert all(0 < percent <= 50 for percent in habits.percents)
    assert all(len(place.country) == 2 for place in habits.places)
    assert 0 < habits.price_ending < 100


def test_the_three_shops_have_different_habits() -> None:
    shops = [habits_of(name) for name in ("shop_eu", "shop_us", "shop_br")]
    for trait in ("currency", "timezone", "orders_per_day", "return_rate", "discount_share", "places"):
        assert len({getattr(habits, trait) for habits in shops}) == 3, trait


def test_the_same_city_lies_in_two_states() -> None:
    portlands = [place.state for place in habits_of("shop_us").places if place.city == "Portland"]
    assert portlands == ["Oregon", "Maine"]


def test_some_countries_have_no_state() -> None:
    assert {place.country for place in habits_of("shop_eu").places if place.state is None} >= {"FR", "NL"}


def test_a_new_shop_gets_habits_of_its_own_from_its_name() -> None:
    north, south = habits_of("shop_north"), habits_of("shop_south")
    assert habits_of("shop_north") == north
    assert (north.orders_per_day, north.return_rate) != (south.orders_per_day, south.return_rate)


def test_a_known_region_in_the_name_is_used() -> None:
    assert habits_of("outlet_uk").currency == "GBP"
    assert habits_of("outlet_uk") != habits_of("shop_uk")


def test_the_catalogue_has_shelves_with_a_price_range() -> None:
    assert all(0 < shelf.low < shelf.high and shelf.articles for shelf in catalogue().shelves)
