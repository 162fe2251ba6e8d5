{{ config(cluster_by=['tailnum']) }}

with planes as (
    select * from {{ ref('stg_flights__planes') }}
),

flights as (
    select
        tailnum,
        count(*) as flights_count,
        min(flight_date) as first_flight_date,
        max(flight_date) as last_flight_date,
        sum(distance) as miles_flown
    from {{ ref('flights') }}
    where _dump_date = {{ dump_date() }} and not is_cancelled
    group by tailnum
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        planes.tailnum,
        planes.year,
        planes.type,
        planes.manufacturer,
        planes.model,
        planes.engines,
        planes.seats,
        planes.speed,
        planes.engine,
        coalesce(flights.flights_count, 0) as flights_count,
        flights.first_flight_date,
        flights.last_flight_date,
        coalesce(flights.miles_flown, 0) as miles_flown
    from planes
    left join flights on planes.tailnum = flights.tailnum
)

select * from final
