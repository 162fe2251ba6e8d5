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

# Types as Airbyte makes them of MySQL's; the contract's personal columns never arrive.
COLUMNS = {
    "retail": {
        "customers": "customer_id:INT64 email:STRING newsletter:BOOL created_at:DATETIME updated_at:TIMESTAMP",
        "addresses": "address_id:INT64 customer_id:INT64 city:STRING state:STRING country:STRING created_at:DATETIME",
        "products": "product_id:INT64 sku:STRING name:STRING category:STRING price:NUMERIC active:BOOL"
        " created_at:DATETIME updated_at:TIMESTAMP",
        "discounts": "discount_id:INT64 code:STRING percent:NUMERIC valid_from:DATE valid_to:DATE",
        "orders": "order_id:INT64 customer_id:INT64 address_id:INT64 discount_id:INT64 status:STRING"
        " ordered_at:DATETIME updated_at:TIMESTAMP",
        "order_items": "order_id:INT64 line_number:INT64 product_id:INT64 quantity:INT64 unit_price:NUMERIC"
        " discount_amount:NUMERIC",
        "payments": "payment_id:INT64 order_id:INT64 kind:STRING method:STRING amount:NUMERIC paid_at:DATETIME",
    },
    "flights": {
        "flights": "flight_id:INT64 year:INT64 month:INT64 day:INT64 dep_time:INT64 sched_dep_time:INT64"
        " dep_delay:INT64 arr_time:INT64 sched_arr_time:INT64 arr_delay:INT64 carrier:STRING flight:INT64"
        " tailnum:STRING origin:STRING dest:STRING air_time:INT64 distance:INT64 hour:INT64 minute:INT64"
        " time_hour:DATETIME",
        "weather": "origin:STRING year:INT64 month:INT64 day:INT64 hour:INT64 temp:FLOAT64 dewp:FLOAT64"
        " humid:FLOAT64 wind_dir:INT64 wind_speed:FLOAT64 wind_gust:FLOAT64 precip:FLOAT64 pressure:FLOAT64"
        " visib:FLOAT64 time_hour:DATETIME",
        "planes": "tailnum:STRING year:INT64 type:STRING manufacturer:STRING model:STRING engines:INT64"
        " seats:INT64 speed:INT64 engine:STRING",
        "airlines": "carrier:STRING name:STRING",
        "airports": "faa:STRING name:STRING lat:FLOAT64 lon:FLOAT64 alt:INT64 tz:INT64 dst:STRING tzone:STRING",
    },
}
AIRBYTE = "_airbyte_raw_id:STRING _airbyte_extracted_at:TIMESTAMP _airbyte_meta:JSON _airbyte_generation_id:INT64"
AIRBYTE_VALUES = ("id", "2013-01-03 00:00:00+00", "{}", 1)
LOAD = "database:STRING dump_date:DATE run_id:STRING dump_uri:STRING dump_generation:INT64 loaded_at:TIMESTAMP"


def retail(day: date) -> Rows:
    """The tables of a shop as of *day*."""
    rows: Rows = {
        "customers": [(i, f"{i:064x}", i == 1, "2012-12-01 08:00:00", UPDATED) for i in (1, 2, 3)],
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
    """Leave a dump in ``raw__<database>`` as the task of that name does: the tables, and whose dump they are.

    *rows* stands in for the usual tables of the application as of *day*.
    """
    if rows is None:
        rows = retail(day) if app == "retail" else flights(day, database.removeprefix("airport_").upper())
    raw = f"{client.project}.raw__{database}"
    client.create_dataset(raw, exists_ok=True)
    for table, columns in COLUMNS[app].items():
        replace_table(client, f"{raw}.{table}", f"{columns} {AIRBYTE}", [row + AIRBYTE_VALUES for row in rows[table]])
    loaded = (database, str(day), "run", f"gs://dumps/{database}/{day}/dump.sql.gz", 1, "2013-01-03 00:00:00+00")
    replace_table(client, f"{raw}._tributary_load", LOAD, [loaded])


def replace_table(client: bigquery.Client, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Make *table* hold exactly *rows*; *columns* is ``name:TYPE name:TYPE``."""
    fields = [column.split(":") for column in columns.split()]
    schema = [bigquery.SchemaField(name, kind) for name, kind in fields]
    client.delete_table(table, not_found_ok=True)
    client.create_table(bigquery.Table(table, schema))
    records = [dict(zip((name for name, _ in fields), map(_json, row), strict=True)) for row in rows]
    errors = client.insert_rows_json(table, records)
    assert not errors, errors


def _json(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value
