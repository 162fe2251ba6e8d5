"""The arithmetic facts of a shop's data, on shops that lived thirty days in memory."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.retail.clock import later, utc
from simulator.retail.day import generator, live_day
from simulator.retail.habits import habits_of
from simulator.retail.model import half_up
from simulator.retail.store import TABLES
from tests.unit.simulator.memory import MemoryShop

FIRST = date(2013, 1, 1)
CENT = Decimal("0.01")
CONTRACT = yaml.safe_load(Path("include/contracts/retail.yaml").read_text(encoding="utf-8"))
MOVES = {
    "placed": {"paid", "cancelled"},
    "paid": {"shipped", "cancelled"},
    "shipped": {"returned"},
}


def test_rows_have_the_columns_of_the_contract() -> None:
    assert {name: list(row._fields) for name, row in TABLES.items()} == {
        name: list(table["columns"]) for name, table in CONTRACT["tables"].items()
    }


def test_every_order_is_placed_on_its_day(shop: MemoryShop) -> None:
    for day, happened in shop.history.items():
        assert {order.ordered_at.date() for order in happened.orders} == {day}


def test_orders_are_numbered_in_the_order_of_time(shop: MemoryShop) -> None:
    assert list(shop.orders) == list(range(1, len(shop.orders) + 1))
    times = [order.ordered_at for order in shop.orders.values()]
    assert times == sorted(times)


def test_lines_carry_the_price_of_the_day(shop: MemoryShop) -> None:
    for day, happened in shop.history.items():
        prices = shop.price_lists[day]
        assert happened.order_items
        assert all(item.unit_price == prices[item.product_id] for item in happened.order_items)


def test_orders_have_one_to_five_lines_of_different_products(shop: MemoryShop) -> None:
    lines = Counter(order_id for order_id, _ in shop.order_items)
    products = Counter((item.order_id, item.product_id) for item in shop.order_items.values())
    assert lines.keys() == shop.orders.keys()
    assert set(lines.values()) == {1, 2, 3, 4, 5}
    assert set(products.values()) == {1}
    for (order_id, line_number), _ in shop.order_items.items():
        assert 1 <= line_number <= lines[order_id]


def test_a_discount_is_its_percentage_rounded_half_up(shop: MemoryShop) -> None:
    discounted = 0
    for item in shop.order_items.values():
        discount_id = shop.orders[item.order_id].discount_id
        gross = item.quantity * item.unit_price
        percent = shop.discounts[discount_id].percent if discount_id else Decimal(0)
        assert item.discount_amount == (gross * percent / 100).quantize(CENT, ROUND_HALF_UP)
        assert 0 <= item.discount_amount <= gross
        discounted += discount_id is not None
    assert 0.05 < discounted / len(shop.order_items) < 0.5


def test_a_discount_is_valid_on_the_day_it_is_used(shop: MemoryShop) -> None:
    for order in shop.orders.values():
        if order.discount_id:
            used = shop.discounts[order.discount_id]
            assert used.valid_from <= order.ordered_at.date() <= (used.valid_to or date.max)


def test_payments_sum_to_the_lines_and_refunds_never_exceed_them(shop: MemoryShop) -> None:
    totals, paid, refunded = shop.totals(), shop.paid("payment"), shop.paid("refund")
    seen: Counter[str] = Counter()
    for key, order in shop.orders.items():
        seen[order.status] += 1
        assert paid.get(key, Decimal(0)) in ((0,) if order.status == "placed" else (totals[key],)) or (
            order.status == "cancelled" and key not in paid
        )
        assert 0 <= refunded.get(key, Decimal(0)) <= paid.get(key, Decimal(0))
        if order.status == "cancelled":
            assert refunded.get(key) == paid.get(key)
        else:
            assert (key in refunded) == (order.status == "returned")
    assert set(seen) == {"placed", "paid", "shipped", "returned", "cancelled"}
    assert all(payment.amount > 0 for payment in shop.payments.values())


def test_money_moves_on_its_day_and_not_before_the_order(shop: MemoryShop) -> None:
    for day, happened in shop.history.items():
        times = [payment.paid_at for payment in happened.payments]
        assert times == sorted(times)
        assert {time.date() for time in times} == {day}
        assert all(payment.paid_at >= shop.orders[payment.order_id].ordered_at for payment in happened.payments)


def test_some_orders_are_paid_in_two_parts(shop: MemoryShop) -> None:
    parts = Counter(payment.order_id for payment in shop.payments.values() if payment.kind == "payment")
    assert set(parts.values()) == {1, 2}


def test_orders_move_forward_only() -> None:
    shop = MemoryShop("shop_eu").live(FIRST, 25)
    statuses = {}
    for happened in shop.history.values():
        for (status, _), keys in happened.statuses.items():
            for key in keys:
                assert status in MOVES[statuses[key]]
                statuses[key] = status
        statuses.update((order.order_id, order.status) for order in happened.orders)
    assert statuses == {key: order.status for key, order in shop.orders.items()}


@pytest.mark.parametrize("shop", ["shop_br"], indirect=True)
def test_orders_that_nobody_pays_are_cancelled_after_a_week(shop: MemoryShop) -> None:
    paid, today = shop.paid("payment"), max(shop.history)
    unpaid: dict[str, list[int]] = {status: [] for status in ("placed", "cancelled")}
    for key, order in shop.orders.items():
        if key not in paid:
            unpaid[order.status].append((today - order.ordered_at.date()).days)
    assert unpaid["cancelled"]
    assert max(unpaid["placed"]) < 7 <= min(unpaid["cancelled"])


def test_no_order_is_older_than_its_customer_or_address(shop: MemoryShop) -> None:
    for order in shop.orders.values():
        address = shop.addresses[order.address_id]
        assert address.customer_id == order.customer_id
        assert shop.customers[order.customer_id].created_at <= address.created_at <= order.ordered_at


def test_the_assortment_changes(shop: MemoryShop) -> None:
    days = shop.history.values()
    assert any(day.prices for day in days)
    assert any(day.products for day in days)
    assert any(day.retired for day in days)
    assert any(day.discounts for day in days)
    assert any(day.newsletters for day in days)
    assert len(shop.addresses) > len(shop.customers)
    assert all(product.price > 0 for product in shop.products.values())


def test_a_day_at_scale_one_is_small(shop: MemoryShop) -> None:
    assert len(shop.customers) - sum(len(day.customers) for day in shop.history.values()) == 300
    assert len(shop.products) - sum(len(day.products) for day in shop.history.values()) == 80
    assert all(100 <= len(day.orders) <= 230 for day in shop.history.values())


def test_scale_multiplies_the_volume() -> None:
    small, large = MemoryShop("shop_us").live(FIRST, 1), MemoryShop("shop_us", scale=10).live(FIRST, 1)
    assert len(large.orders) == pytest.approx(10 * len(small.orders), rel=0.15)
    assert len(large.products) == pytest.approx(10 * len(small.products), rel=0.05)


def test_a_tiny_scale_still_makes_an_order() -> None:
    shop = MemoryShop("shop_us", scale=0.001).live(FIRST, 3)
    assert all(day.orders for day in shop.history.values())


def test_the_same_seed_gives_the_same_days() -> None:
    one, two = MemoryShop("shop_br", seed=5).live(FIRST, 5), MemoryShop("shop_br", seed=5).live(FIRST, 5)
    assert one == two
    assert one.history != MemoryShop("shop_br", seed=6).live(FIRST, 5).history


def test_a_day_depends_on_the_past_and_its_own_numbers_only() -> None:
    shop = MemoryShop("shop_br").live(FIRST, 3)
    day = FIRST + timedelta(days=3)
    numbers = [generator(1, "shop_br", day, "day") for _ in range(2)]
    lived = [live_day(habits_of("shop_br"), shop.past(day), day, 1, rng) for rng in numbers]
    assert lived[0] == lived[1]


@pytest.mark.parametrize("shop", ["shop_eu", "shop_us", "shop_br"], indirect=True)
def test_personal_values_would_break_a_careless_dump(shop: MemoryShop) -> None:
    names = "".join(f"{c.first_name} {c.last_name}" for c in shop.customers.values())
    streets = "".join(a.street for a in shop.addresses.values())
    products = "".join(p.name for p in shop.products.values())
    assert set("'\";") <= set(names)
    assert any(ord(letter) > 0xFFFF for letter in names), "an emoji takes four bytes"
    assert any(0x7F < ord(letter) < 0x250 for letter in names), "an accent"
    assert r"\! c/o O'Brien; --" in streets
    assert all(text in products for text in ("\\new", "USE other", "DEFINER="))


def test_values_fit_their_columns(shop: MemoryShop) -> None:
    for name, table in CONTRACT["tables"].items():
        for position, (column, about) in enumerate(table["columns"].items()):
            if about["type"].startswith(("varchar", "char")):
                longest = int(about["type"].partition("(")[2].rstrip(")"))
                values = [row[position] for row in getattr(shop, name).values()]
                assert all(len(value) <= longest for value in values if value is not None), column
            if not about.get("nullable"):
                assert None not in [row[position] for row in getattr(shop, name).values()], column


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (datetime(2013, 1, 1, 12), datetime(2013, 1, 1, 11)),
        (datetime(2013, 7, 1, 12), datetime(2013, 7, 1, 10)),
    ],
)
def test_updated_at_is_utc_in_winter_and_summer(local: datetime, expected: datetime) -> None:
    assert utc(local, habits_of("shop_eu")) == expected


def test_later_stays_within_the_day() -> None:
    assert later(datetime(2013, 1, 1, 23, 59, 30), 60) == datetime(2013, 1, 1, 23, 59, 59)
    assert later(datetime(2013, 1, 1, 23, 58), 60) == datetime(2013, 1, 1, 23, 59)


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_half_up_rounds_like_the_tax_office(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert half_up(numerator, denominator) == int(exact + Fraction(1, 2))
