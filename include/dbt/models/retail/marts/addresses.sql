{{ config(cluster_by=['country', 'city', 'address_id']) }}

with addresses as (
    select * from {{ ref('stg_retail__addresses') }}
),

orders as (
    select
        address_id,
        count(*) as orders_count,
        max(ordered_at) as last_ordered_at
    from {{ ref('orders') }}
    where _dump_date = {{ dump_date() }} and not is_cancelled
    group by address_id
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        addresses.address_id,
        addresses.customer_id,
        addresses.city,
        addresses.state,
        addresses.country,
        addresses.created_at,
        orders.last_ordered_at,
        coalesce(orders.orders_count, 0) as orders_count
    from addresses
    left join orders on addresses.address_id = orders.address_id
)

select * from final
