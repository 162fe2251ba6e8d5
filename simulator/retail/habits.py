"""How a shop behaves: where its customers live, how much it sells, how it discounts and takes returns.

A shop's region file is `regions/<region>.yaml`; the region is the end of the database's name (`shop_eu`). A
name without a known region gets one by its hash, and its own volumes, so that a new shop needs no file.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """A city; `#` in `postal` stands for any digit, `weight` is its share of the customers."""

    city: str
    country: str
    postal: str
    weight: int
    state: str | None = None


@dataclass(frozen=True)
class Method:
    """A way to pay; `at_once` when the money comes with the order."""

    name: str
    weight: int
    at_once: bool


@dataclass(frozen=True)
class Shelf:
    """A category with its articles; prices in whole units before the shop's price level."""

    name: str
    low: int
    high: int
    articles: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """What all shops can sell."""

    shelves: tuple[Shelf, ...]
    finishes: tuple[str, ...]
    odd_names: tuple[str, ...]


@dataclass(frozen=True)
class Habits:
    """Everything that makes one shop different; rates are shares of 1, volumes are for scale 1."""

    currency: str
    timezone: ZoneInfo
    price_level: float
    price_ending: int
    orders_per_day: float
    customers_per_day: float
    return_rate: float
    discount_share: float
    campaign_chance: float
    percents: tuple[float, ...]
    newsletter_share: float
    weekdays: tuple[float, ...]
    methods: tuple[Method, ...]
    places: tuple[Place, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    email_domains: tuple[str, ...]
    customers_at_start: int = 300
    products_at_start: int = 80

    def orders_on(self, day: date) -> float:
        """Expected number of orders on `day` at scale 1."""
        return self.orders_per_day * self.weekdays[day.weekday()]


def regions() -> list[str]:
    """Names of the regions that have a file, sorted."""
    return sorted(path.stem for path in (HERE / "regions").glob("*.yaml"))


@cache
def habits_of(database: str) -> Habits:
    """The habits of the shop kept in `database`; always the same for the same name."""
    region = database.rpartition("_")[2]
    if database == f"shop_{region}" and region in regions():
        return _read(region)
    draw = Random(hashlib.sha256(database.encode()).digest())  # noqa: S311  (invented data, no secret)
    own = _read(region if region in regions() else draw.choice(regions()))
    return replace(
        own,
        orders_per_day=round(own.orders_per_day * draw.uniform(0.8, 1.2)),
        customers_per_day=round(own.customers_per_day * draw.uniform(0.8, 1.2)),
        return_rate=round(own.return_rate * draw.uniform(0.6, 1.6), 3),
        discount_share=round(own.discount_share * draw.uniform(0.6, 1.4), 3),
    )


@cache
def catalogue() -> Catalogue:
    """The articles in `catalogue.yaml`."""
    content = _yaml(HERE / "catalogue.yaml")
    shelves = tuple(
        Shelf(name, shelf["low"], shelf["high"], tuple(shelf["articles"])) for name, shelf in content["shelves"].items()
    )
    return Catalogue(shelves, tuple(content["finishes"]), tuple(content["odd_names"]))


def _read(region: str) -> Habits:
    content = _yaml(HERE / "regions" / f"{region}.yaml")
    content["timezone"] = ZoneInfo(content["timezone"])
    content["methods"] = [Method(**method) for method in content["methods"]]
    content["places"] = [Place(**place) for place in content["places"]]
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    return Habits(**fields)


def _yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content
