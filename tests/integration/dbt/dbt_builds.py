"""Databases built in the wrong order, twice and at once, then consolidated: for the tests to look at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from dbt_raw import DAY_1, DAY_2, retail, sync
from dbt_warehouse import Outcome, Warehouse, succeeded

APPS = {"retail": ["shop_eu", "shop_us", "shop_br"], "flights": ["airport_ewr", "airport_jfk"]}
AS_OF = {"shop_eu": str(DAY_2), "shop_us": str(DAY_1), "airport_ewr": str(DAY_2), "airport_jfk": str(DAY_1)}
# What a build takes along; the first one of an app runs its unit tests, which need the tables they stand in for.
EVERYTHING = ("--resource-type", "all")
AS_IN_PRODUCTION = ("--exclude-resource-type", "unit_test")
MODELS_ONLY = ("--resource-type", "model")


Load = tuple[str, str, date, tuple[str, ...]]
ORPHAN = (99, 1, 1, 1, "19.90", "0.00")


def sync_and_build(warehouse: Warehouse, loads: list[Load]) -> list[Outcome]:
    """Sync and build dumps one after the other; each is an app, a database, a date and options for dbt."""
    outcomes = []
    for app, database, day, options in loads:
        sync(warehouse.client, app, database, day)
        outcomes.append(warehouse.build(app, database, day, *options))
    return outcomes


def build_with_an_orphan(warehouse: Warehouse) -> Outcome:
    """A dump that was not consistent: a line of an order that is not in it."""
    rows = retail(DAY_1)
    rows["order_items"].append(ORPHAN)
    sync(warehouse.client, "retail", "shop_br", DAY_1, rows)
    return warehouse.build("retail", "shop_br", DAY_1, *AS_IN_PRODUCTION)


@dataclass(frozen=True)
class Built:
    """The runs that tests look at; all others were checked to succeed."""

    consolidated: Outcome
    orphan: Outcome


def build_all(warehouse: Warehouse) -> Built:
    """Four databases, two at a time; shop_eu gets day 2, then day 1, then day 2 again. Then all consolidated."""
    retail_loads: list[Load] = [
        ("retail", "shop_eu", DAY_2, EVERYTHING),
        ("retail", "shop_eu", DAY_1, MODELS_ONLY),
        ("retail", "shop_eu", DAY_2, AS_IN_PRODUCTION),
        ("retail", "shop_us", DAY_1, MODELS_ONLY),
    ]
    flight_loads: list[Load] = [
        ("flights", "airport_ewr", DAY_2, EVERYTHING),
        ("flights", "airport_ewr", DAY_1, MODELS_ONLY),
        ("flights", "airport_jfk", DAY_1, MODELS_ONLY),
    ]
    with ThreadPoolExecutor(2) as pool:
        retail_runs = pool.submit(sync_and_build, warehouse, retail_loads)
        flight_runs = pool.submit(sync_and_build, warehouse, flight_loads)
        for outcome in retail_runs.result() + flight_runs.result():
            succeeded(outcome)
        orphan = pool.submit(build_with_an_orphan, warehouse)
        run = ("build", "--select", "tag:consolidated")
        consolidated = pool.submit(warehouse.dbt, "consolidated__audit", *run, as_of=AS_OF, apps=APPS)
        return Built(succeeded(consolidated.result()), orphan.result())
