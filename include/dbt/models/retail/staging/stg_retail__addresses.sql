with source as (
    select * from {{ source('raw_retail', 'addresses') }}
),

renamed as (
    select
        cast(address_id as int64) as address_id,
        cast(customer_id as int64) as customer_id,
        cast(city as string) as city,
        cast(state as string) as state,
        cast(country as string) as country,
        cast(created_at as datetime) as created_at
    from source
)

select * from renamed
