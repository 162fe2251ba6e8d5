with source as (
    select * from {{ source('raw_retail', 'orders') }}
),

renamed as (
    select
        cast(order_id as int64) as order_id,
        cast(customer_id as int64) as customer_id,
        cast(address_id as int64) as address_id,
        cast(discount_id as int64) as discount_id,
        cast(status as string) as status,
        cast(ordered_at as datetime) as ordered_at,
        cast(updated_at as timestamp) as updated_at
    from source
)

select * from renamed
