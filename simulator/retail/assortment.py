"""Products that are listed, priced anew and retired, and discount campaigns that open and end.

All of it happens at midnight: every order of a day meets the prices, products and campaigns of that day.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from simulator.retail.clock import at, utc
from simulator.retail.habits import Habits, catalogue
from simulator.retail.model import Campaign, Day, Discount, NextIds, Offer, Past, Product, money

PRICE_CHANGE_SHARE = 0.015  # of the products, a day
LISTED_PER_DAY = 0.35
RETIRED_PER_DAY = 0.25
FEWEST_PRODUCTS = 20  # a shop does not retire its shelves empty
CAMPAIGN_END_CHANCE = 0.05  # of a campaign without an end, a day
ENDLESS_SHARE = 0.3
ODD_NAME_EVERY = 11
OPENING_DAYS = 400
CODE_WORDS = ("SPRING", "HELLO", "VIP", "FLASH", "THANKS", "SNOW", "2FOR1", "ÉTÉ")


def opening_products(habits: Habits, ids: NextIds, rng: Random, day: date, scale: float, into: Day) -> None:
    """The assortment of a shop that was open before its first simulated day."""
    for _ in range(max(FEWEST_PRODUCTS, round(habits.products_at_start * scale))):
        listed = at(day - timedelta(days=rng.randint(1, OPENING_DAYS)), 8 * 3600)
        into.products.append(_product(habits, ids, rng, listed))


def opening_campaigns(ids: NextIds, rng: Random, habits: Habits, day: date, into: Day) -> None:
    """One campaign without an end, so that discounts exist from the first day on."""
    _open_campaign(habits, ids, rng, day - timedelta(days=rng.randint(1, 60)), None, into)


def change_assortment(habits: Habits, past: Past, rng: Random, day: date, into: Day) -> list[Offer]:
    """Retires, lists and prices products; returns what can be ordered today."""
    moment = at(day, 0)
    offers = dict(past.offers)
    for _ in range(_times(rng, RETIRED_PER_DAY)):
        if len(offers) > FEWEST_PRODUCTS:
            product_id = rng.choice(sorted(offers))
            del offers[product_id]
            into.retired.append((utc(moment, habits), product_id))
    for product_id, old in list(offers.items()):
        if rng.random() < PRICE_CHANGE_SHARE:
            new = _shop_price(habits, round(old * rng.uniform(0.85, 1.18)))
            if new != old:
                offers[product_id] = new
                into.prices.append((money(new), utc(moment, habits), product_id))
    for _ in range(_times(rng, LISTED_PER_DAY)):
        product = _product(habits, past.next_ids, rng, moment)
        into.products.append(product)
        offers[product.product_id] = int(product.price.scaleb(2))
    return [Offer(product_id, cents) for product_id, cents in offers.items()]


def change_campaigns(habits: Habits, past: Past, rng: Random, day: date, into: Day) -> list[Campaign]:
    """Opens and ends campaigns; returns those valid today (a campaign that ends today is)."""
    valid = list(past.campaigns)
    into.ended.extend(
        (day, campaign.discount_id) for campaign in valid if campaign.endless and rng.random() < CAMPAIGN_END_CHANCE
    )
    if not valid or rng.random() < habits.campaign_chance:
        last = None if rng.random() < ENDLESS_SHARE else day + timedelta(days=rng.randint(0, 20))
        valid.append(_open_campaign(habits, past.next_ids, rng, day, last, into))
    return valid


def _open_campaign(habits: Habits, ids: NextIds, rng: Random, first: date, last: date | None, into: Day) -> Campaign:
    percent = Decimal(str(rng.choice(habits.percents)))
    code = f"{rng.choice(CODE_WORDS)}-{ids.discount}"
    into.discounts.append(Discount(ids.discount, code, percent, first, last))
    ids.discount += 1
    return Campaign(ids.discount - 1, int(percent * 100), last is None)


def _product(habits: Habits, ids: NextIds, rng: Random, listed: datetime) -> Product:
    goods = catalogue()
    shelf = rng.choice(goods.shelves)
    name = f"{rng.choice(shelf.articles)}, {rng.choice(goods.finishes)}"
    if ids.product % ODD_NAME_EVERY == 1:
        name = goods.odd_names[ids.product // ODD_NAME_EVERY % len(goods.odd_names)]
    # Squared: most articles are cheap, a few are dear.
    units = shelf.low + (shelf.high - shelf.low) * rng.random() ** 2
    product_id = ids.product
    ids.product += 1
    return Product(
        product_id,
        f"{shelf.name[:3].upper()}-{product_id:06d}",
        name,
        shelf.name,
        money(_shop_price(habits, round(units * habits.price_level * 100))),
        True,
        listed,
        utc(listed, habits),
    )


def _shop_price(habits: Habits, cents: int) -> int:
    """The nearest lower price with the shop's usual ending, such as 7.99; never below the ending itself."""
    return max(cents // 100, 0) * 100 + habits.price_ending


def _times(rng: Random, mean: float) -> int:
    """0, 1 or 2 with the given mean (below 1)."""
    return (rng.random() < mean / 2) + (rng.random() < mean / 2)
