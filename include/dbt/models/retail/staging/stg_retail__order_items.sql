with source as (
    select * from {{ source('raw_retail', 'order_items') }}
),

renamed as (
    select
        cast(order_id as int64) as order_id,
        cast(line_number as int64) as line_number,
        cast(product_id as int64) as product_id,
        cast(quantity as int64) as quantity,
        cast(unit_price as numeric) as unit_price,
        cast(discount_amount as numeric) as discount_amount
    from source
)

select * from renamed
