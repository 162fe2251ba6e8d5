"""Small raw datasets of both applications, as the sync leaves them: known rows, so that results can be told by hand.

A dump is the whole database as of its day. Day 2 of a shop has one order more, and the order that was placed on
day 1 has been returned since.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from google.cloud import bigquery

Rows = dict[str, list[tuple[Any, ...]]]

DAY_1, DAY_2 = date(2013, 1, 1), date(2013, 1, 2)
UPDATED = "2013-01-01 00:00:00+00"

# Types as Airbyte makes them of MySQL's; personal columns of the contract never arrive.
COLUMNS = {
    "retail": {
        "customers": "customer_id int64, newsletter bool, created_at datetime, updated_at timestamp",
        "addresses": "address_id int64, customer_id int64, city string, state string, country string,"
        " created_at datetime",
        "products": "product_id int64, sku string, name string, category string, price numeric, active bool,"
        " created_at datetime, updated_at timestamp",
        "discounts": "discount_id int64, code string, percent numeric, valid_from date, valid_to date",
        "orders": "order_id int64, customer_id int64, address_id int64, discount_id int64, status string,"
        " ordered_at datetime, updated_at timestamp",
        "order_items": "order_id int64, line_number int64, product_id int64, quantity int64,"
        " unit_price numeric, discount_amount numeric",
        "payments": "payment_id int64, order_id int64, kind string, method string, amount numeric,"
        " paid_at datetime",
    },
    "flights": {
        "flights": "flight_id int64, year int64, month int64, day int64, dep_time int64,"
        " sched_dep_time int64, dep_delay int64, arr_time int64, sched_arr_time int64, arr_delay int64,"
        " carrier string, flight int64, tailnum string, origin string, dest string, air_time int64,"
        " distance int64, hour int64, minute int64, time_hour datetime",
        "weather": "origin string, year int64, month int64, day int64, hour int64, temp float64, dewp float64,"
        " humid float64, wind_dir int64, wind_speed float64, wind_gust float64, precip float64,"
        " pressure float64, visib float64, time_hour datetime",
        "planes": "tailnum string, year int64, type string, manufacturer string, model string, engines int64,"
        " seats int64, speed int64, engine string",
        "airlines": "carrier string, name string",
        "airports": "faa string, name string, lat float64, lon float64, alt int64, tz int64, dst string,"
        " tzone string",
    },
}
AIRBYTE = "_airbyte_raw_id string, _airbyte_extracted_at timestamp, _airbyte_meta json, _airbyte_generation_id int64"
LOAD = "`database` string, dump_date date, run_id string, dump_uri string, dump_generation int64, loaded_at timestamp"


def retail(day: date) -> Rows:
    """The tables of a shop as of *day*."""
    rows: Rows = {
        "customers": [(i, i == 1, "2012-12-01 08:00:00", UPDATED) for i in (1, 2, 3)],
        "addresses": [
            (1, 1, "Lyon", None, "FR", "2012-12-01 08:00:00"),
            (2, 2, "Austin", "TX", "US", "2012-12-01 08:00:00"),
        ],
        "products": [
            (1, "LAMP", "Lamp", "home", "19.90", True, "2012-12-01 08:00:00", UPDATED),
            (2, "DESK", "Desk", "home", "250.00", True, "2012-12-01 08:00:00", UPDATED),
        ],
        "discounts": [(1, "NEWYEAR", "10.00", "2013-01-01", "2013-01-01")],
        "orders": [
            (1, 1, 1, 1, "shipped", "2013-01-01 10:00:00", UPDATED),
            (2, 2, 2, None, "cancelled", "2013-01-01 11:00:00", UPDATED),
            (3, 1, 1, None, "placed", "2013-01-01 12:00:00", UPDATED),
        ],
        "order_items": [
            (1, 1, 1, 2, "19.90", "3.98"),
            (1, 2, 2, 1, "250.00", "25.00"),
            (2, 1, 2, 4, "250.00", "0.00"),
            (3, 1, 1, 1, "19.90", "0.00"),
        ],
        "payments": [(1, 1, "payment", "card", "260.82", "2013-01-01 10:05:00")],
    }
    if day >= DAY_2:
        rows["orders"][2] = (3, 1, 1, None, "returned", "2013-01-01 12:00:00", UPDATED)
        rows["orders"].append((4, 2, 2, None, "paid", "2013-01-02 09:00:00", UPDATED))
        rows["order_items"].append((4, 1, 2, 1, "240.00", "0.00"))
        rows["payments"] += [
            (2, 3, "payment", "card", "19.90", "2013-01-01 12:05:00"),
            (3, 3, "refund", "card", "19.90", "2013-01-02 12:05:00"),
            (4, 4, "payment", "transfer", "240.00", "2013-01-02 09:05:00"),
        ]
    return rows


def flights(day: date, origin: str = "EWR") -> Rows:
    """The tables of an airport as of *day*: six departures a day, the last one cancelled, without an aircraft."""
    rows: Rows = {"flights": [], "weather": []}
    for number in range((day - DAY_1).days + 1):
        on = DAY_1 + timedelta(days=number)
        for hour in range(6, 12):
            utc = datetime(on.year, on.month, on.day, hour + 5)
            cancelled = hour == 11
            delay = None if cancelled else (hour - 6) * 10 + number
            at = datetime(on.year, on.month, on.day, hour, 15) + timedelta(minutes=delay or 0)
            rows["flights"].append(
                (
                    number * 6 + hour - 5, on.year, on.month, on.day,
                    None if cancelled else at.hour * 100 + at.minute, hour * 100 + 15, delay,
                    None if cancelled else at.hour * 100 + 200, hour * 100 + 200, delay,
                    "UA" if hour % 2 else "B6", hour, None if cancelled else "N1", origin, "BOS",
                    None if cancelled else 60, 200, hour, 15, utc,
                )
            )  # fmt: skip
            rows["weather"].append(
                (origin, on.year, on.month, on.day, hour, 30.0 + hour, 20.0, 50.0, 90,
                 1048.4 if hour == 6 else 5.0, None, 0.0, 1010.0, 10.0, utc)
            )  # fmt: skip
    rows["planes"] = [("N1", 2003, "Fixed wing", "BOEING", "737", 2, 150, None, "Turbo-fan")]
    rows["airlines"] = [("UA", "United Air Lines Inc."), ("B6", "JetBlue Airways")]
    rows["airports"] = [("BOS", "Logan", 42.36, -71.0, 19, -5, "A", "America/New_York")]
    return rows


def sync(client: bigquery.Client, app: str, database: str, day: date, rows: Rows | None = None) -> None:
    """Leave the dump of *day* in ``raw__<database>``, as the task of that name does: the tables, and whose dump it is."""
    rows = rows or (retail(day) if app == "retail" else flights(day, database.removeprefix("airport_").upper()))
    raw = f"raw__{database}"
    script = [f"create schema if not exists `{raw}`"]
    for table, columns in COLUMNS[app].items():
        script.append(f"create or replace table `{raw}.{table}` ({columns}, {AIRBYTE})")
        names = ", ".join(column.split()[0] for column in columns.split(","))
        airbyte = "'id', current_timestamp(), json '{}', 1"
        for row in rows[table]:
            values = ", ".join("null" if value is None else repr(value) if isinstance(value, int | float) else f"'{value}'" for value in row)
            values = values.replace("True", "true").replace("False", "false")
            script.append(f"insert into `{raw}.{table}` ({names}, _airbyte_raw_id, _airbyte_extracted_at, _airbyte_meta, _airbyte_generation_id) values ({values}, {airbyte})")
    script.append(f"create or replace table `{raw}._tributary_load` ({LOAD})")
    script.append(f"insert into `{raw}._tributary_load` values ('{database}', date '{day}', 'run', 'gs://dumps/{database}', 1, current_timestamp())")
    for statement in script:
        client.query_and_wait(statement)
