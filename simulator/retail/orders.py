"""Today's orders: who orders what, with which discount, and the money that comes with the order."""

from datetime import date, datetime
from itertools import accumulate
from random import Random

from simulator.retail.clock import at, later, utc, visits
from simulator.retail.habits import Habits, Method
from simulator.retail.model import (
    Campaign,
    Day,
    Offer,
    Order,
    OrderItem,
    Past,
    PaymentDraft,
    half_up,
    money,
)

FIRST_ORDER_SHARE = 0.6  # of the new customers order on the day they register
VOUCHER_SHARE = 0.03  # pay a part with a gift voucher
LINES = (40, 28, 17, 10, 5)  # weights of 1 to 5 lines
QUANTITIES = (76, 16, 5, 3)  # weights of 1 to 4 pieces
_LINES = tuple(accumulate(LINES))
_QUANTITIES = tuple(accumulate(QUANTITIES))


def new_orders(
    habits: Habits,
    past: Past,
    rng: Random,
    day: date,
    scale: float,
    offers: list[Offer],
    campaigns: list[Campaign],
    into: Day,
) -> list[PaymentDraft]:
    """Adds the day's orders and their lines; returns what is paid at once."""
    paid: list[PaymentDraft] = []
    method_weights = [method.weight for method in habits.methods]
    for ordered_at, customer_id, address_id in _buyers(habits, past, rng, day, scale, into):
        order_id = past.next_ids.order
        past.next_ids.order += 1
        campaign = rng.choice(campaigns) if campaigns and rng.random() < habits.discount_share else None
        total_cents = _add_lines(order_id, campaign, rng, offers, into)
        method: Method = rng.choices(habits.methods, weights=method_weights)[0]
        changed_at = ordered_at
        if method.at_once:
            changed_at = later(ordered_at, rng.randint(0, 180))
            paid.extend(payment_drafts(order_id, total_cents, method.name, changed_at, rng))
        into.orders.append(
            Order(
                order_id,
                customer_id,
                address_id,
                campaign.discount_id if campaign else None,
                "paid" if method.at_once else "placed",
                ordered_at,
                utc(changed_at, habits),
            )
        )
    return paid


def payment_drafts(order_id: int, total_cents: int, method: str, paid_at: datetime, rng: Random) -> list[PaymentDraft]:
    """The whole total, now and then in two parts of which one is a gift voucher."""
    voucher = half_up(total_cents, rng.randint(2, 6)) if rng.random() < VOUCHER_SHARE else 0
    parts = [("voucher", voucher), (method, total_cents - voucher)]
    return [PaymentDraft(paid_at, order_id, "payment", name, cents) for name, cents in parts if cents]


def _buyers(
    habits: Habits, past: Past, rng: Random, day: date, scale: float, into: Day
) -> list[tuple[datetime, int, int]]:
    """(time, customer, address) of each order in order of time.

    New customers order after they registered. Everybody else is drawn from the addresses known at midnight:
    no order is older than its customer or address.
    """
    first_orders = [
        (later(address.created_at, rng.randint(60, 1800)), address.customer_id, address.address_id)
        for address in into.addresses[: len(into.customers)]
        if rng.random() < FIRST_ORDER_SHARE
    ]
    wanted = max(1, round(habits.orders_on(day) * scale * rng.uniform(0.94, 1.06)))
    known = len(past.addresses)
    regulars = []
    for second in visits(rng, max(0, wanted - len(first_orders)) if known else 0):
        # The power makes some customers regulars: low positions come up more often.
        position = int(known * rng.random() ** 1.4)
        regulars.append((at(day, second), past.residents[position], past.addresses[position]))
    return sorted(first_orders + regulars)


def _add_lines(order_id: int, campaign: Campaign | None, rng: Random, offers: list[Offer], into: Day) -> int:
    """Adds 1 to 5 lines of different products; returns the order's total in cents."""
    lines = min(rng.choices((1, 2, 3, 4, 5), cum_weights=_LINES)[0], len(offers))
    chosen: dict[int, Offer] = {}
    while len(chosen) < lines:
        offer = offers[int(len(offers) * rng.random() ** 1.5)]  # some products are in fashion
        chosen[offer.product_id] = offer
    total = 0
    for line_number, offer in enumerate(chosen.values(), start=1):
        quantity = rng.choices((1, 2, 3, 4), cum_weights=_QUANTITIES)[0]
        gross = quantity * offer.price_cents
        off = half_up(gross * campaign.percent_hundredths, 10_000) if campaign else 0
        total += gross - off
        into.order_items.append(
            OrderItem(order_id, line_number, offer.product_id, quantity, money(offer.price_cents), money(off))
        )
    return total
