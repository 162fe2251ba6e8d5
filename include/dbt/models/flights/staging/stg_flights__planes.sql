with source as (
    select * from {{ source('raw_flights', 'planes') }}
),

renamed as (
    select
        cast(tailnum as string) as tailnum,
        cast(year as int64) as year,
        cast(type as string) as type,
        cast(manufacturer as string) as manufacturer,
        cast(model as string) as model,
        cast(engines as int64) as engines,
        cast(seats as int64) as seats,
        cast(speed as int64) as speed,
        cast(engine as string) as engine
    from source
)

select * from renamed
