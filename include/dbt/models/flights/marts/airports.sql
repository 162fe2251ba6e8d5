{{ config(cluster_by=['faa']) }}

with airports as (
    select * from {{ ref('stg_flights__airports') }}
),

flights as (
    select
        dest,
        count(*) as flights_count,
        countif(is_cancelled) as cancelled_count,
        avg(arr_delay) as mean_arr_delay
    from {{ ref('flights') }}
    where _dump_date = {{ dump_date() }}
    group by dest
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        airports.faa,
        airports.name,
        airports.lat,
        airports.lon,
        airports.alt,
        airports.tz,
        airports.dst,
        airports.tzone,
        coalesce(flights.flights_count, 0) as flights_count,
        coalesce(flights.cancelled_count, 0) as cancelled_count,
        flights.mean_arr_delay
    from airports
    left join flights on airports.faa = flights.dest
)

select * from final
