{{ config(cluster_by=['carrier', 'dest', 'flight_id']) }}

with flights as (
    select * from {{ ref('stg_flights__flights') }}
),

airlines as (
    select * from {{ ref('stg_flights__airlines') }}
),

airports as (
    select * from {{ ref('stg_flights__airports') }}
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        flights.flight_id,
        flights.carrier,
        airlines.name as carrier_name,
        flights.flight,
        flights.tailnum,
        flights.origin,
        flights.dest,
        airports.name as dest_name,
        flights.distance,
        date(flights.year, flights.month, flights.day) as flight_date,
        datetime(
            flights.year, flights.month, flights.day, flights.hour, flights.minute, 0
        ) as scheduled_departure_at,
        timestamp(datetime_add(flights.time_hour, interval flights.minute minute)) as scheduled_departure_utc,
        -- The delay is the exact way to the departure; its clock time alone does not tell the day.
        timestamp(
            datetime_add(flights.time_hour, interval (flights.minute + flights.dep_delay) minute)
        ) as departed_at_utc,
        flights.time_hour,
        {{ time_of_hhmm('flights.sched_arr_time') }} as scheduled_arrival_time,
        {{ time_of_hhmm('flights.arr_time') }} as arrival_time,
        flights.dep_delay,
        flights.arr_delay,
        flights.air_time,
        flights.dep_time is null as is_cancelled,
        flights.dep_time is not null and flights.arr_delay is null as is_diverted,
        flights.dep_delay >= 15 as is_departed_late,
        flights.arr_delay >= 15 as is_arrived_late
    from flights
    left join airlines on flights.carrier = airlines.carrier
    left join airports on flights.dest = airports.faa
)

select * from final
