"""Customers who register and the addresses they enter. All personal values are invented."""

import unicodedata
from datetime import date, datetime, timedelta
from random import Random

from simulator.retail.clock import at, later, utc, visits
from simulator.retail.habits import Habits, Place
from simulator.retail.model import Address, Customer, Day, NextIds, Past

SECOND_ADDRESS_SHARE = 0.004  # of the customers, a day, at most
OPENING_DAYS = 300  # the first customers registered in the 300 days before the shop's first simulated day
ODD_STREET_SHARE = 0.02


def register(habits: Habits, ids: NextIds, rng: Random, moments: list[datetime], into: Day) -> None:
    """One new customer with one address at each of the `moments` (local, ascending)."""
    places = rng.choices(habits.places, weights=[place.weight for place in habits.places], k=len(moments))
    for moment, place in zip(moments, places, strict=True):
        customer_id = ids.customer
        ids.customer += 1
        last_name = rng.choice(habits.last_names)
        into.customers.append(
            Customer(
                customer_id,
                rng.choice(habits.first_names),
                last_name,
                # The number keeps e-mails apart: the column is unique and its collation ignores accents.
                f"{_letters(last_name)}.{customer_id}@{rng.choice(habits.email_domains)}",
                rng.random() < habits.newsletter_share,
                moment,
                utc(moment, habits),
            )
        )
        into.addresses.append(_address(habits, ids, rng, customer_id, place, moment))


def opening_customers(habits: Habits, ids: NextIds, rng: Random, day: date, scale: float, into: Day) -> None:
    """The customers of a shop that was open before its first simulated day."""
    count = max(1, round(habits.customers_at_start * scale))
    days = sorted(rng.randint(1, OPENING_DAYS) for _ in range(count))[::-1]
    moments = [at(day - timedelta(days=back), rng.randrange(7 * 3600, 23 * 3600)) for back in days]
    register(habits, ids, rng, sorted(moments), into)


def new_customers(habits: Habits, ids: NextIds, rng: Random, day: date, scale: float, into: Day) -> None:
    """The day's registrations."""
    count = round(habits.customers_per_day * scale * rng.uniform(0.6, 1.4))
    register(habits, ids, rng, [at(day, second) for second in visits(rng, count)], into)


def second_thoughts(habits: Habits, past: Past, rng: Random, day: date, into: Day) -> None:
    """Known customers who enter a further address, or change their mind about the newsletter."""
    if not past.residents:
        return
    most = max(1, round(len(past.residents) * SECOND_ADDRESS_SHARE))
    for second in visits(rng, rng.randint(0, most)):
        customer_id = past.residents[rng.randrange(len(past.residents))]
        moment = at(day, second)
        place = rng.choice(habits.places)
        into.addresses.append(_address(habits, past.next_ids, rng, customer_id, place, moment))
    changed = {past.residents[rng.randrange(len(past.residents))] for _ in range(rng.randint(0, most))}
    into.newsletters.extend(
        (utc(at(day, second), habits), customer_id)
        for customer_id, second in zip(sorted(changed), visits(rng, len(changed)), strict=True)
    )


def _address(habits: Habits, ids: NextIds, rng: Random, customer_id: int, place: Place, moment: datetime) -> Address:
    street = f"{rng.choice(habits.streets)} {rng.randint(1, 199)}"
    if rng.random() < ODD_STREET_SHARE:
        street += r" \! c/o O'Brien; -- 2ª"
    address_id = ids.address
    ids.address += 1
    postal = "".join(str(rng.randrange(10)) if letter == "#" else letter for letter in place.postal)
    return Address(address_id, customer_id, street, postal, place.city, place.state, place.country, later(moment, 60))


def _letters(name: str) -> str:
    """`name` as people write it in an e-mail address: lower case, without accents and signs except `'`."""
    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter == "'")) or "x"
