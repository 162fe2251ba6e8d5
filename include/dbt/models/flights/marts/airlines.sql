{{ config(cluster_by=['carrier']) }}

with airlines as (
    select * from {{ ref('stg_flights__airlines') }}
),

flights as (
    select
        carrier,
        count(*) as flights_count,
        countif(is_cancelled) as cancelled_count,
        avg(dep_delay) as mean_dep_delay,
        safe_divide(countif(is_departed_late), countif(not is_cancelled)) as late_share
    from {{ ref('flights') }}
    where _dump_date = {{ dump_date() }}
    group by carrier
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        airlines.carrier,
        airlines.name,
        coalesce(flights.flights_count, 0) as flights_count,
        coalesce(flights.cancelled_count, 0) as cancelled_count,
        flights.mean_dep_delay,
        flights.late_share
    from airlines
    left join flights on airlines.carrier = flights.carrier
)

select * from final
