with source as (
    select * from {{ source('raw_flights', 'airlines') }}
),

renamed as (
    select
        cast(carrier as string) as carrier,
        cast(name as string) as name
    from source
)

select * from renamed
