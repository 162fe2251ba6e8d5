{{ config(cluster_by=['order_id', 'product_id']) }}

with items as (
    select * from {{ ref('stg_retail__order_items') }}
),

orders as (
    select * from {{ ref('stg_retail__orders') }}
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        items.order_id,
        items.line_number,
        items.product_id,
        items.quantity,
        items.unit_price,
        items.quantity * items.unit_price as gross_amount,
        items.discount_amount,
        items.quantity * items.unit_price - items.discount_amount as net_amount,
        orders.status as order_status,
        orders.ordered_at,
        orders.status != 'cancelled' as is_sold
    from items
    left join orders on items.order_id = orders.order_id
)

select * from final
