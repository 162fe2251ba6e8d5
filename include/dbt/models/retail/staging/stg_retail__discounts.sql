with source as (
    select * from {{ source('raw_retail', 'discounts') }}
),

renamed as (
    select
        cast(discount_id as int64) as discount_id,
        cast(code as string) as code,
        cast(percent as numeric) as percent,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to
    from source
)

select * from renamed
