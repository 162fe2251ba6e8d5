with source as (
    select * from {{ source('raw_flights', 'airports') }}
),

renamed as (
    select
        cast(faa as string) as faa,
        cast(name as string) as name,
        cast(lat as float64) as lat,
        cast(lon as float64) as lon,
        cast(alt as int64) as alt,
        cast(tz as int64) as tz,
        cast(dst as string) as dst,
        cast(tzone as string) as tzone
    from source
)

select * from renamed
