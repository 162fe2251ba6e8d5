"""Databases built in the wrong order, twice and at once, then consolidated: which rows stand where."""

from __future__ import annotations

import json
from decimal import Decimal

from dbt_builds import APPS, AS_OF, Built
from dbt_raw import DAY_1, DAY_2
from dbt_warehouse import Warehouse, succeeded

from tributary.ledger.audited import audited_contents
from tributary.ledger.reading import partition_contents
from tributary.registry import load_registry


def test_each_dump_has_its_own_rows_whatever_the_order_of_loading(warehouse: Warehouse, built: Built) -> None:
    query = "select _dump_date, order_id, status from shop_eu.orders order by 1, 2"
    assert warehouse.rows(query) == [
        (DAY_1, 1, "shipped"), (DAY_1, 2, "cancelled"), (DAY_1, 3, "placed"),
        (DAY_2, 1, "shipped"), (DAY_2, 2, "cancelled"), (DAY_2, 3, "returned"), (DAY_2, 4, "paid"),
    ]  # fmt: skip


def test_revenue_counts_what_was_sold_where(warehouse: Warehouse, built: Built) -> None:
    columns = "city, state, orders_count, units_sold, total_revenue, total_discount, net_revenue, refunded_amount"
    query = f"select {columns} from shop_eu.revenue_by_location where _dump_date = date '{DAY_2}' order by city"
    assert warehouse.rows(query) == [
        ("Austin", "TX", 1, 1, Decimal("240.00"), 0, Decimal("240.00"), 0),
        ("Lyon", None, 2, 4, Decimal("309.70"), Decimal("28.98"), Decimal("280.72"), Decimal("19.90")),
    ]


def test_customers_without_orders_are_there(warehouse: Warehouse, built: Built) -> None:
    query = (
        "select customer_id, orders_count, cancelled_orders_count, lifetime_revenue from shop_eu.customers"
        f" where _dump_date = date '{DAY_2}' order by 1"
    )
    assert warehouse.rows(query) == [(1, 2, 0, Decimal("280.72")), (2, 1, 1, Decimal("240.00")), (3, 0, 0, 0)]


def test_features_of_day_two_know_day_one_and_no_more(warehouse: Warehouse, built: Built) -> None:
    columns = "flight_id, carrier_departures_before, carrier_mean_dep_delay_before, weather_temp, label_cancelled"
    query = (
        f"select {columns} from airport_ewr.flight_delay_features"
        f" where _dump_date = date '{DAY_2}' and flight_id in (1, 6, 7, 8, 12) order by 1"
    )
    assert warehouse.rows(query) == [
        (1, 0, None, None, False),
        (6, 0, None, 40.0, True),
        (7, 3, 20.0, None, False),  # B6 of day 1 left at 6, 8 and 10: 0, 20 and 40 minutes late
        (8, 2, 20.0, 36.0, False),  # UA at 7 and 9: 10 and 30; its flight at 11 was cancelled
        (12, 2, 20.0, 40.0, True),
    ]


def test_readings_beyond_any_wind_are_emptied(warehouse: Warehouse, built: Built) -> None:
    columns = "countif(wind_speed is null), max(wind_speed)"
    query = f"select {columns} from airport_ewr.weather where _dump_date = date '{DAY_1}'"
    assert warehouse.rows(query) == [(1, 5.0)]


def test_consolidated_holds_each_database_as_of_its_date(warehouse: Warehouse, built: Built) -> None:
    orders = "select _database, _dump_date, count(*) from consolidated__audit.orders group by 1, 2 order by 1"
    assert warehouse.rows(orders) == [("shop_eu", DAY_2, 4), ("shop_us", DAY_1, 3)]
    flights = "select _database, _dump_date, count(*) from consolidated__audit.flights group by 1, 2 order by 1"
    assert warehouse.rows(flights) == [("airport_ewr", DAY_2, 12), ("airport_jfk", DAY_1, 6)]


def test_consolidated_has_the_content_of_the_marts(warehouse: Warehouse, built: Built) -> None:
    contracts = load_registry().contracts
    tables = {app: contracts[app].mart_names for app in APPS}
    audited = audited_contents(warehouse.client, APPS, tables, AS_OF)
    for app, databases in APPS.items():
        for database in databases:
            if database in AS_OF:
                marts = partition_contents(warehouse.client, database, tables[app], AS_OF[database])
                assert audited[database] == marts
                assert all(content.checksum for content in marts.values())
    assert audited["shop_eu"]["orders"] != audited["shop_us"]["orders"]


def test_every_mart_has_a_consolidated_twin_with_its_columns(built: Built) -> None:
    nodes = json.loads((built.consolidated.target / "manifest.json").read_text())["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
    marts = [name for name, node in models.items() if node["fqn"][2] == "marts"]
    assert len(marts) == 14
    for name in marts:
        mart, twin = models[name]["columns"], dict(models[f"consolidated__{name}"]["columns"])
        assert twin.pop("_database")["data_type"] == "string", name
        assert list(twin) == list(mart), name
        for column in mart:
            for key in ("data_type", "description", "constraints"):
                assert mart[column][key] == twin[column][key], f"{name}.{column}: {key}"
            assert mart[column]["description"], f"{name}.{column} is not described"


def test_an_app_without_a_database_consolidates_to_no_rows_of_the_right_types(
    warehouse: Warehouse, built: Built
) -> None:
    run = ("run", "--select", "tag:consolidated,path:models/consolidated/flights")
    succeeded(warehouse.dbt("consolidated__empty", *run, as_of={"shop_eu": str(DAY_2)}, apps=APPS))
    full, empty = (
        warehouse.client.get_table(f"{name}.flights") for name in ("consolidated__audit", "consolidated__empty")
    )
    assert empty.num_rows == 0
    assert [(field.name, field.field_type) for field in empty.schema] == [
        (field.name, field.field_type) for field in full.schema
    ]


def test_an_orphan_stops_its_own_database(built: Built) -> None:
    failed = {name.split(".")[2] for name, status in built.orphan.statuses().items() if status == "fail"}
    assert built.orphan.code == 1
    assert failed == {"order_items__keys_exist", "orders__totals_agree"}
