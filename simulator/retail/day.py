"""One day of a shop as a pure function of its past: no database, no clock, the same for the same seed."""

from datetime import date
from random import Random

from simulator.retail.assortment import (
    change_assortment,
    change_campaigns,
    opening_campaigns,
    opening_products,
)
from simulator.retail.fulfilment import fulfil
from simulator.retail.habits import Habits
from simulator.retail.model import Day, NextIds, Past, Payment, money
from simulator.retail.orders import new_orders
from simulator.retail.people import new_customers, opening_customers, second_thoughts


def generator(seed: int, database: str, day: date, purpose: str) -> Random:
    """The random numbers of one day of one shop; days do not depend on how many were drawn before."""
    return Random(f"{seed}/{database}/{day.isoformat()}/{purpose}")  # noqa: S311  (invented data, no secret)


def open_shop(habits: Habits, day: date, scale: float, rng: Random) -> Day:
    """What a shop holds at the midnight before its first simulated day: customers, products, a campaign."""
    opened, ids = Day(), NextIds()
    opening_customers(habits, ids, rng, day, scale, opened)
    opening_products(habits, ids, rng, day, scale, opened)
    opening_campaigns(ids, rng, habits, day, opened)
    return opened


def live_day(habits: Habits, past: Past, day: date, scale: float, rng: Random) -> Day:
    """Everything that happens in the shop on `day`, given what it knew at midnight.

    Promises: every `ordered_at` lies within `day`; `unit_price` is the product's price on that day;
    0 <= discount_amount <= quantity * unit_price, rounded half up to cents; the payments of a paid order sum
    to its lines; a refund is never more than what was paid. Uses up `past.next_ids`.
    """
    lived = Day()
    offers = change_assortment(habits, past, rng, day, lived)
    campaigns = change_campaigns(habits, past, rng, day, lived)
    new_customers(habits, past.next_ids, rng, day, scale, lived)
    drafts = new_orders(habits, past, rng, day, scale, offers, campaigns, lived)
    second_thoughts(habits, past, rng, day, lived)
    drafts += fulfil(habits, past.open_orders, rng, day, lived)
    for draft in sorted(drafts):
        lived.payments.append(
            Payment(
                past.next_ids.payment,
                draft.order_id,
                draft.kind,
                draft.method,
                money(draft.cents),
                draft.paid_at,
            )
        )
        past.next_ids.payment += 1
    return lived
