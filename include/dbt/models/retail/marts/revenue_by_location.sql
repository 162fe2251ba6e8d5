{{ config(cluster_by=['country', 'state', 'city']) }}

-- What was sold counts: cancelled orders do not. Returned orders were sold; what the shop gave back for them
-- stands in a column of its own, so that net revenue stays revenue less discount.
with orders as (
    select * from {{ ref('orders') }}
    where _dump_date = {{ dump_date() }} and not is_cancelled
),

addresses as (
    select * from {{ ref('stg_retail__addresses') }}
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        addresses.city,
        addresses.state,
        addresses.country,
        count(*) as orders_count,
        countif(orders.is_returned) as returned_orders_count,
        count(distinct orders.customer_id) as customers_count,
        sum(orders.units_count) as units_sold,
        sum(orders.items_total) as total_revenue,
        sum(orders.discount_total) as total_discount,
        sum(orders.net_total) as net_revenue,
        sum(orders.refunded_amount) as refunded_amount
    from orders
    left join addresses on orders.address_id = addresses.address_id
    group by addresses.city, addresses.state, addresses.country
)

select * from final
