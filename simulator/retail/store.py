"""A shop's past read from, and its day written to, its MySQL database."""

from array import array
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from pymysql.connections import Connection
from pymysql.cursors import SSCursor

from simulator.production import execute, execute_many, insert, query, sql
from simulator.retail import model
from simulator.retail.fulfilment import WINDOW_DAYS
from simulator.retail.model import Campaign, Day, NextIds, Offer, OpenOrder, Past

STATUS_BATCH = 5_000  # order ids in one update

# Parents first: the tables are tied by foreign keys. The attributes of a Day are named like the tables.
TABLES: dict[str, type[NamedTuple]] = {
    "customers": model.Customer,
    "addresses": model.Address,
    "products": model.Product,
    "discounts": model.Discount,
    "orders": model.Order,
    "order_items": model.OrderItem,
    "payments": model.Payment,
}


def load_past(connection: Connection, day: date) -> Past:
    """What the shop knows at the midnight that begins `day`.

    Of what grows, holds in memory every address (16 bytes each) and the orders of the last two weeks.
    """
    since = datetime.combine(day - timedelta(days=WINDOW_DAYS), time())
    addresses, residents = array("L"), array("L")
    with connection.cursor(SSCursor) as cursor:  # row by row: there may be millions
        cursor.execute(sql("retail/sql/addresses"))
        for address_id, customer_id in cursor:
            addresses.append(address_id)
            residents.append(customer_id)
    return Past(
        next_ids=NextIds(*query(connection, sql("retail/sql/next_ids"))[0]),
        addresses=addresses,
        residents=residents,
        offers=[Offer(*row) for row in query(connection, sql("retail/sql/active_products"))],
        campaigns=[Campaign(*row) for row in query(connection, sql("retail/sql/open_discounts"), (day, day))],
        open_orders=[OpenOrder(*row) for row in query(connection, sql("retail/sql/open_orders"), (since,))],
    )


def write_day(connection: Connection, day: Day) -> None:
    """Inserts and changes rows as `day` says; the caller commits."""
    for table, row_type in TABLES.items():
        insert(connection, table, row_type._fields, getattr(day, table))
    execute_many(connection, sql("retail/sql/price"), day.prices)
    execute_many(connection, sql("retail/sql/retire"), day.retired)
    execute_many(connection, sql("retail/sql/end_discount"), day.ended)
    execute_many(connection, sql("retail/sql/newsletter"), day.newsletters)
    for (status, updated_at), orders in day.statuses.items():
        for start in range(0, len(orders), STATUS_BATCH):
            batch = orders[start : start + STATUS_BATCH]
            execute(connection, sql("retail/sql/status"), (status, updated_at, batch))
