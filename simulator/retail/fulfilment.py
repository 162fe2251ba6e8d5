"""What becomes of earlier orders: late payments, shipping, returns with refunds, cancellations.

Booked in batches at fixed times of the shop's day, as banks and parcel services do.
"""

from datetime import date
from random import Random

from simulator.retail.clock import at, utc
from simulator.retail.habits import Habits
from simulator.retail.model import Day, OpenOrder, PaymentDraft, half_up
from simulator.retail.orders import payment_drafts

WINDOW_DAYS = 14  # an order older than this does not change any more
BANK_RUN, OFFICE_OPENS, RETURNS_DESK = 7 * 3600 + 1800, 9 * 3600, 16 * 3600
PICK_UPS = (11 * 3600, 15 * 3600, 18 * 3600)
LATE_PAYMENT_CHANCE = 0.5  # a day, for orders that are paid later
CANCELLED_UNPAID_AFTER_DAYS = 7
CANCEL_CHANCE = 0.015  # a day, for paid orders that still lie in the warehouse
SHIP_CHANCE = 0.7
SHIPPED_AFTER_DAYS = 6  # at the latest
FIRST_RETURN_DAY = 2
PARTIAL_REFUND_SHARE = 0.3


def fulfil(habits: Habits, open_orders: list[OpenOrder], rng: Random, day: date, into: Day) -> list[PaymentDraft]:
    """Moves each open order at most one step; adds the changes of status and returns the money that moved."""
    # Chance of a return on one day, such that `return_rate` of all shipped orders return within the window.
    return_chance = 1 - (1 - habits.return_rate) ** (1 / (WINDOW_DAYS - FIRST_RETURN_DAY))
    late = [method for method in habits.methods if not method.at_once]
    moved: list[PaymentDraft] = []
    for order in open_orders:
        age = (day - order.ordered_on).days
        if order.status == "placed":
            if age >= CANCELLED_UNPAID_AFTER_DAYS:
                _change(habits, into, order, "cancelled", day, OFFICE_OPENS)
            elif rng.random() < LATE_PAYMENT_CHANCE:
                _change(habits, into, order, "paid", day, BANK_RUN)
                method = rng.choices(late, weights=[method.weight for method in late])[0]
                moved += payment_drafts(order.order_id, order.total_cents, method.name, at(day, BANK_RUN), rng)
        elif order.status == "paid":
            if rng.random() < CANCEL_CHANCE:
                _change(habits, into, order, "cancelled", day, OFFICE_OPENS)
                moved.append(_refund(order, order.total_cents, day, OFFICE_OPENS))
            elif age >= SHIPPED_AFTER_DAYS or rng.random() < SHIP_CHANCE:
                _change(habits, into, order, "shipped", day, rng.choice(PICK_UPS))
        elif age >= FIRST_RETURN_DAY and rng.random() < return_chance:
            share = rng.randint(20, 90) if rng.random() < PARTIAL_REFUND_SHARE else 100
            _change(habits, into, order, "returned", day, RETURNS_DESK)
            moved.append(_refund(order, half_up(order.total_cents * share, 100), day, RETURNS_DESK))
    return moved


def _change(habits: Habits, into: Day, order: OpenOrder, status: str, day: date, second: int) -> None:
    into.statuses.setdefault((status, utc(at(day, second), habits)), []).append(order.order_id)


def _refund(order: OpenOrder, cents: int, day: date, second: int) -> PaymentDraft:
    return PaymentDraft(at(day, second), order.order_id, "refund", order.method, cents)
