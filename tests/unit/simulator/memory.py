"""A shop whose tables are dictionaries: lives days of the pure generator without a database."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from simulator.retail.day import generator, live_day, open_shop
from simulator.retail.fulfilment import WINDOW_DAYS
from simulator.retail.habits import habits_of
from simulator.retail.model import (
    Address,
    Campaign,
    Customer,
    Day,
    Discount,
    NextIds,
    Offer,
    OpenOrder,
    Order,
    OrderItem,
    Past,
    Payment,
    Product,
)


@dataclass
class MemoryShop:
    """The tables by primary key, and `history`: the product prices and what happened on each day lived."""

    database: str
    seed: int = 1
    scale: float = 1.0
    customers: dict[int, Customer] = field(default_factory=dict)
    addresses: dict[int, Address] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    discounts: dict[int, Discount] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    order_items: dict[tuple[int, int], OrderItem] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)
    history: dict[date, Day] = field(default_factory=dict)
    price_lists: dict[date, dict[int, Decimal]] = field(default_factory=dict)

    def live(self, first: date, days: int) -> "MemoryShop":
        habits = habits_of(self.database)
        self.apply(open_shop(habits, first, self.scale, generator(self.seed, self.database, first, "opening")))
        for day in (first + timedelta(days=number) for number in range(days)):
            rng = generator(self.seed, self.database, day, "day")
            self.history[day] = live_day(habits, self.past(day), day, self.scale, rng)
            self.apply(self.history[day])
            self.price_lists[day] = {p.product_id: p.price for p in self.products.values() if p.active}
        return self

    def apply(self, day: Day) -> None:
        for table in ("customers", "addresses", "products", "discounts", "orders", "payments"):
            rows = getattr(self, table)
            for row in getattr(day, table):
                assert row[0] not in rows, f"{table}: key {row[0]} twice"
                rows[row[0]] = row
        for item in day.order_items:
            assert (item.order_id, item.line_number) not in self.order_items
            self.order_items[item.order_id, item.line_number] = item
        for price, at, key in day.prices:
            self.products[key] = self.products[key]._replace(price=price, updated_at=at)
        for at, key in day.retired:
            self.products[key] = self.products[key]._replace(active=False, updated_at=at)
        for last, key in day.ended:
            self.discounts[key] = self.discounts[key]._replace(valid_to=last)
        for at, key in day.newsletters:
            customer = self.customers[key]
            self.customers[key] = customer._replace(newsletter=not customer.newsletter, updated_at=at)
        for (status, at), keys in day.statuses.items():
            for key in keys:
                self.orders[key] = self.orders[key]._replace(status=status, updated_at=at)

    def past(self, day: date) -> Past:
        since = day - timedelta(days=WINDOW_DAYS)
        totals, methods = self.totals(), {p.order_id: p.method for p in self.payments.values()}
        ids = [self.customers, self.addresses, self.products, self.discounts, self.orders, self.payments]
        return Past(
            NextIds(*(max(rows, default=0) + 1 for rows in ids)),
            list(self.addresses),
            [address.customer_id for address in self.addresses.values()],
            [Offer(p.product_id, int(p.price * 100)) for p in self.products.values() if p.active],
            [
                Campaign(d.discount_id, int(d.percent * 100), d.valid_to is None)
                for d in self.discounts.values()
                if d.valid_from <= day and (d.valid_to is None or d.valid_to >= day)
            ],
            [
                OpenOrder(key, o.status, o.ordered_at.date(), int(totals[key] * 100), methods.get(key, ""))
                for key, o in self.orders.items()
                if o.status in ("placed", "paid", "shipped") and o.ordered_at.date() >= since
            ],
        )

    def totals(self) -> dict[int, Decimal]:
        """What each order's lines sum to."""
        sums: dict[int, Decimal] = {}
        for item in self.order_items.values():
            line = item.quantity * item.unit_price - item.discount_amount
            sums[item.order_id] = sums.get(item.order_id, Decimal(0)) + line
        return sums

    def paid(self, kind: str) -> dict[int, Decimal]:
        """What was moved for each order, `kind` being payment or refund."""
        sums: dict[int, Decimal] = {}
        for payment in self.payments.values():
            if payment.kind == kind:
                sums[payment.order_id] = sums.get(payment.order_id, Decimal(0)) + payment.amount
        return sums
