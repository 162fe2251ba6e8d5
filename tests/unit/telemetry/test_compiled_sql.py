"""Tables and columns that a model's SQL reads, in the forms that models have."""

from __future__ import annotations

import textwrap

from tributary.telemetry.compiled_sql import Reads, reads

ORDERS, ITEMS = "p.shop.orders", "p.shop.items"
ORDERS_SQL, ITEMS_SQL = "`p`.`shop`.`orders`", "`p`.`shop`.`items`"


def of(sql: str) -> Reads:
    return reads(textwrap.dedent(sql))


def test_columns_are_followed_through_import_rename_and_final_star():
    found = of(f"""
        with source as (
            select * from {ORDERS_SQL}
        ),
        renamed as (
            select cast(id as int64) as order_id, status, status = 'paid (late)' as is_paid from source
        )
        select * from renamed
    """)
    assert found.tables == (ORDERS,)
    assert found.columns == {
        "order_id": ((ORDERS, "id"),), "status": ((ORDERS, "status"),), "is_paid": ((ORDERS, "status"),)
    }  # fmt: skip


def test_an_expression_with_the_name_of_its_table_hides_neither():
    found = of(f"""
        with orders as (
            select * from {ORDERS_SQL}
            where _dump_date = date '2013-01-02'
        ),
        final as (
            select orders.id, sum(items.price * items.quantity) as total, count(*) as lines_count
            from orders left join {ITEMS_SQL} as items on orders.id = items.order_id
            group by orders.id
        )
        select * from final
    """)
    assert found.tables == (ORDERS, ITEMS)
    assert found.columns["id"] == ((ORDERS, "id"),)
    assert found.columns["total"] == ((ITEMS, "price"), (ITEMS, "quantity"))
    assert not found.columns.get("lines_count")


def test_a_union_has_the_origins_of_all_its_parts_and_constants_have_none():
    found = of(f"""
        select 'shop' as _database, id from {ORDERS_SQL} where _dump_date = date '2013-01-01'
        union all
        select 'other' as _database, id from `p`.`other`.`orders` where _dump_date = date '2013-01-02'
    """)
    assert found.tables == (ORDERS, "p.other.orders")
    assert found.columns["id"] == (("p.other.orders", "id"), (ORDERS, "id"))
    assert not found.columns.get("_database")


def test_comments_and_quoted_parentheses_do_not_end_an_expression():
    found = of(f"""
        -- of `p`.`shop`.`nothing` nothing is read (
        with orders as (
            select id, concat(status, ')') as status /* ) */ from {ORDERS_SQL}
        )
        select * from orders
    """)
    assert found.tables == (ORDERS,)
    assert found.columns == {"id": ((ORDERS, "id"),), "status": ((ORDERS, "status"),)}


def test_a_query_without_a_table_reads_nothing():
    assert of("select cast(null as string) as _database from unnest([1]) where false").tables == ()


def test_sql_that_is_not_understood_still_has_its_tables():
    assert of(f"pivot the unpivotable ({ORDERS_SQL}") == Reads((ORDERS,), {})
