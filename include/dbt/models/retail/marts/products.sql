{{ config(cluster_by=['category', 'product_id']) }}

with products as (
    select * from {{ ref('stg_retail__products') }}
),

sales as (
    select
        product_id,
        count(distinct order_id) as orders_count,
        sum(quantity) as units_sold,
        sum(gross_amount) as total_revenue,
        sum(discount_amount) as total_discount,
        sum(net_amount) as net_revenue,
        max(ordered_at) as last_sold_at
    from {{ ref('order_items') }}
    where _dump_date = {{ dump_date() }} and is_sold
    group by product_id
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        products.product_id,
        products.sku,
        products.name,
        products.category,
        products.price,
        products.active,
        products.created_at,
        products.updated_at,
        sales.last_sold_at,
        coalesce(sales.orders_count, 0) as orders_count,
        coalesce(sales.units_sold, 0) as units_sold,
        coalesce(sales.total_revenue, 0) as total_revenue,
        coalesce(sales.total_discount, 0) as total_discount,
        coalesce(sales.net_revenue, 0) as net_revenue
    from products
    left join sales on products.product_id = sales.product_id
)

select * from final
