with source as (
    select * from {{ source('raw_flights', 'weather') }}
),

renamed as (
    select
        cast(origin as string) as origin,
        cast(year as int64) as year,
        cast(month as int64) as month,
        cast(day as int64) as day,
        cast(hour as int64) as hour,
        cast(temp as float64) as temp,
        cast(dewp as float64) as dewp,
        cast(humid as float64) as humid,
        cast(wind_dir as int64) as wind_dir,
        cast(wind_gust as float64) as wind_gust,
        cast(precip as float64) as precip,
        cast(pressure as float64) as pressure,
        cast(visib as float64) as visib,
        cast(time_hour as datetime) as time_hour,
        -- The strongest wind ever measured blew at 253 mph; the readings hold one of 1,048.
        if(wind_speed <= 253, cast(wind_speed as float64), null) as wind_speed
    from source
)

select * from renamed
