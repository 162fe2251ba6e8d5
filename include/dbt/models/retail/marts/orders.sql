{{ config(cluster_by=['order_id', 'customer_id']) }}

with orders as (
    select * from {{ ref('stg_retail__orders') }}
),

discounts as (
    select * from {{ ref('stg_retail__discounts') }}
),

items as (
    select
        order_id,
        count(*) as lines_count,
        sum(quantity) as units_count,
        sum(gross_amount) as items_total,
        sum(discount_amount) as discount_total,
        sum(net_amount) as net_total
    from {{ ref('order_items') }}
    where _dump_date = {{ dump_date() }}
    group by order_id
),

payments as (
    select
        order_id,
        sum(if(kind = 'payment', amount, 0)) as paid_amount,
        sum(if(kind = 'refund', amount, 0)) as refunded_amount
    from {{ ref('stg_retail__payments') }}
    group by order_id
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        orders.order_id,
        orders.customer_id,
        orders.address_id,
        orders.discount_id,
        discounts.code as discount_code,
        orders.status,
        orders.status = 'cancelled' as is_cancelled,
        orders.status = 'returned' as is_returned,
        orders.ordered_at,
        orders.updated_at,
        coalesce(items.lines_count, 0) as lines_count,
        coalesce(items.units_count, 0) as units_count,
        coalesce(items.items_total, 0) as items_total,
        coalesce(items.discount_total, 0) as discount_total,
        coalesce(items.net_total, 0) as net_total,
        coalesce(payments.paid_amount, 0) as paid_amount,
        coalesce(payments.refunded_amount, 0) as refunded_amount,
        coalesce(payments.paid_amount, 0) - coalesce(payments.refunded_amount, 0) as balance_amount
    from orders
    left join items on orders.order_id = items.order_id
    left join payments on orders.order_id = payments.order_id
    left join discounts on orders.discount_id = discounts.discount_id
)

select * from final
