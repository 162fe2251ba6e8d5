{{ config(cluster_by=['customer_id']) }}

with customers as (
    select * from {{ ref('stg_retail__customers') }}
),

orders as (
    select
        customer_id,
        countif(not is_cancelled) as orders_count,
        countif(is_cancelled) as cancelled_orders_count,
        min(if(is_cancelled, null, ordered_at)) as first_ordered_at,
        max(if(is_cancelled, null, ordered_at)) as last_ordered_at,
        sum(if(is_cancelled, 0, net_total)) as lifetime_revenue,
        sum(refunded_amount) as lifetime_refunded
    from {{ ref('orders') }}
    where _dump_date = {{ dump_date() }}
    group by customer_id
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        customers.customer_id,
        customers.email,
        customers.newsletter,
        customers.created_at,
        customers.updated_at,
        orders.first_ordered_at,
        orders.last_ordered_at,
        coalesce(orders.orders_count, 0) as orders_count,
        coalesce(orders.cancelled_orders_count, 0) as cancelled_orders_count,
        coalesce(orders.lifetime_revenue, 0) as lifetime_revenue,
        coalesce(orders.lifetime_refunded, 0) as lifetime_refunded
    from customers
    left join orders on customers.customer_id = orders.customer_id
)

select * from final
