with source as (
    select * from {{ source('raw_flights', 'flights') }}
),

renamed as (
    select
        cast(flight_id as int64) as flight_id,
        cast(year as int64) as year,
        cast(month as int64) as month,
        cast(day as int64) as day,
        cast(dep_time as int64) as dep_time,
        cast(sched_dep_time as int64) as sched_dep_time,
        cast(dep_delay as int64) as dep_delay,
        cast(arr_time as int64) as arr_time,
        cast(sched_arr_time as int64) as sched_arr_time,
        cast(arr_delay as int64) as arr_delay,
        cast(carrier as string) as carrier,
        cast(flight as int64) as flight,
        cast(tailnum as string) as tailnum,
        cast(origin as string) as origin,
        cast(dest as string) as dest,
        cast(air_time as int64) as air_time,
        cast(distance as int64) as distance,
        cast(hour as int64) as hour,
        cast(minute as int64) as minute,
        cast(time_hour as datetime) as time_hour
    from source
)

select * from renamed
