"""Rows of the shop's tables, what the generator knows of the past, and what it says happened on a day.

Field names and order of the row types are the columns of `sql/schema.sql`. Money is a whole number of cents
while it is computed (`*_cents`), and a Decimal with two places in a row.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


def money(cents: int) -> Decimal:
    """Cents as an amount with two decimal places."""
    return Decimal(cents).scaleb(-2)


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` of non-negative numbers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


class Customer(NamedTuple):
    """A registered customer."""

    customer_id: int
    first_name: str
    last_name: str
    email: str
    newsletter: bool
    created_at: datetime
    updated_at: datetime


class Address(NamedTuple):
    """A delivery address of a customer."""

    address_id: int
    customer_id: int
    street: str
    postal_code: str
    city: str
    state: str | None
    country: str
    created_at: datetime


class Product(NamedTuple):
    """An article, on sale or withdrawn."""

    product_id: int
    sku: str
    name: str
    category: str
    price: Decimal
    active: bool
    created_at: datetime
    updated_at: datetime


class Discount(NamedTuple):
    """A campaign; open while `valid_to` is empty."""

    discount_id: int
    code: str
    percent: Decimal
    valid_from: date
    valid_to: date | None


class Order(NamedTuple):
    """An order, as it stands."""

    order_id: int
    customer_id: int
    address_id: int
    discount_id: int | None
    status: str
    ordered_at: datetime
    updated_at: datetime


class OrderItem(NamedTuple):
    """One line of an order."""

    order_id: int
    line_number: int
    product_id: int
    quantity: int
    unit_price: Decimal
    discount_amount: Decimal


class Payment(NamedTuple):
    """Money that moved for an order."""

    payment_id: int
    order_id: int
    kind: str
    method: str
    amount: Decimal
    paid_at: datetime


class Offer(NamedTuple):
    """A product that can be ordered."""

    product_id: int
    price_cents: int


class Campaign(NamedTuple):
    """A discount that is valid on the day; `percent_hundredths` is 1250 for 12.5 %."""

    discount_id: int
    percent_hundredths: int
    endless: bool


class OpenOrder(NamedTuple):
    """An earlier order that can still change; `method` is empty while nothing was paid."""

    order_id: int
    status: str
    ordered_on: date
    total_cents: int
    method: str


class PaymentDraft(NamedTuple):
    """A movement of money before it has its id."""

    paid_at: datetime
    order_id: int
    kind: str
    method: str
    cents: int


@dataclass
class NextIds:
    """The next free key of each table."""

    customer: int = 1
    address: int = 1
    product: int = 1
    discount: int = 1
    order: int = 1
    payment: int = 1


@dataclass
class Past:
    """What the shop knows at midnight: `addresses[i]` belongs to customer `residents[i]`."""

    next_ids: NextIds = field(default_factory=NextIds)
    addresses: Sequence[int] = field(default_factory=lambda: array("L"))
    residents: Sequence[int] = field(default_factory=lambda: array("L"))
    offers: list[Offer] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    open_orders: list[OpenOrder] = field(default_factory=list)


@dataclass
class Day:
    """What happened: rows to insert, then changes to rows. All of it together is one transaction."""

    customers: list[Customer] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    order_items: list[OrderItem] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    # (price, updated_at, product_id)
    prices: list[tuple[Decimal, datetime, int]] = field(default_factory=list)
    # (updated_at, product_id)
    retired: list[tuple[datetime, int]] = field(default_factory=list)
    # (valid_to, discount_id)
    ended: list[tuple[date, int]] = field(default_factory=list)
    # (updated_at, customer_id): who changed their mind about the newsletter
    newsletters: list[tuple[datetime, int]] = field(default_factory=list)
    # (status, updated_at) -> orders: shops book these in batches
    statuses: dict[tuple[str, datetime], list[int]] = field(default_factory=dict)
