with source as (
    select * from {{ source('raw_retail', 'products') }}
),

renamed as (
    select
        cast(product_id as int64) as product_id,
        cast(sku as string) as sku,
        cast(name as string) as name,
        cast(category as string) as category,
        cast(price as numeric) as price,
        cast(active as bool) as active,
        cast(created_at as datetime) as created_at,
        cast(updated_at as timestamp) as updated_at
    from source
)

select * from renamed
