{{ config(cluster_by=['origin', 'time_hour']) }}

with weather as (
    select * from {{ ref('stg_flights__weather') }}
),

flights as (
    select
        origin,
        time_hour,
        count(*) as flights_count,
        avg(dep_delay) as mean_dep_delay
    from {{ ref('flights') }}
    where _dump_date = {{ dump_date() }}
    group by origin, time_hour
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        weather.origin,
        weather.time_hour,
        datetime(weather.year, weather.month, weather.day, weather.hour, 0, 0) as observed_at,
        weather.temp,
        weather.dewp,
        weather.humid,
        weather.wind_dir,
        weather.wind_speed,
        weather.wind_gust,
        weather.precip,
        weather.pressure,
        weather.visib,
        coalesce(flights.flights_count, 0) as flights_count,
        flights.mean_dep_delay
    from weather
    left join flights on weather.origin = flights.origin and weather.time_hour = flights.time_hour
)

select * from final
