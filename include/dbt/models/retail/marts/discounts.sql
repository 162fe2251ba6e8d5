{{ config(cluster_by=['discount_id']) }}

with discounts as (
    select * from {{ ref('stg_retail__discounts') }}
),

orders as (
    select
        discount_id,
        count(*) as orders_count,
        sum(discount_total) as total_discount,
        sum(net_total) as net_revenue
    from {{ ref('orders') }}
    where _dump_date = {{ dump_date() }} and not is_cancelled and discount_id is not null
    group by discount_id
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        discounts.discount_id,
        discounts.code,
        discounts.percent,
        discounts.valid_from,
        discounts.valid_to,
        {{ dump_date() }} between discounts.valid_from
        and coalesce(discounts.valid_to, date '9999-12-31') as is_running,
        coalesce(orders.orders_count, 0) as orders_count,
        coalesce(orders.total_discount, 0) as total_discount,
        coalesce(orders.net_revenue, 0) as net_revenue
    from discounts
    left join orders on discounts.discount_id = orders.discount_id
)

select * from final
