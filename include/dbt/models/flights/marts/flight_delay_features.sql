{{ config(cluster_by=['carrier', 'dest', 'flight_id']) }}

-- Everything but the columns `label_*` is known before the scheduled departure. Two places need care:
-- a departure counts as history from the day after it really left (one that is scheduled for yesterday may
-- leave this evening), and weather is the reading of the hour before.
with flights as (
    select * from {{ ref('flights') }}
    where _dump_date = {{ dump_date() }}
),

planes as (
    select * from {{ ref('stg_flights__planes') }}
),

weather as (
    select * from {{ ref('stg_flights__weather') }}
),

-- The departures to describe and those that they may know of, on one time line: what lies on an earlier day
-- of it is history.
time_line as (
    select
        flight_id,
        origin,
        carrier,
        dest,
        tailnum,
        unix_date(flight_date) as on_day,
        cast(null as int64) as dep_delay
    from flights
    union all
    select
        null as flight_id,
        origin,
        carrier,
        dest,
        tailnum,
        unix_date(date(datetime_add(scheduled_departure_at, interval dep_delay minute))) as on_day,
        dep_delay
    from flights
    where not is_cancelled
),

looking_back as (
    select
        flight_id,
        count(dep_delay) over same_carrier as carrier_departures_before,
        avg(dep_delay) over same_carrier as carrier_mean_dep_delay_before,
        count(dep_delay) over same_route as route_departures_before,
        avg(dep_delay) over same_route as route_mean_dep_delay_before,
        count(dep_delay) over same_plane as plane_departures_before,
        avg(dep_delay) over same_plane as plane_mean_dep_delay_before
    from time_line
    window
        same_carrier as (
            partition by origin, carrier order by on_day range between unbounded preceding and 1 preceding
        ),
        same_route as (
            partition by origin, dest order by on_day range between unbounded preceding and 1 preceding
        ),
        same_plane as (
            partition by origin, tailnum order by on_day range between unbounded preceding and 1 preceding
        )
),

history as (
    select * from looking_back
    where flight_id is not null
),

schedule as (
    select
        flight_id,
        extract(hour from scheduled_departure_at) * 60
        + extract(minute from scheduled_departure_at) as departure_minute_of_day,
        count(*) over (
            partition by origin, flight_date
            order by unix_seconds(scheduled_departure_utc)
            range between unbounded preceding and 1 preceding
        ) as scheduled_departures_before,
        count(*) over (partition by origin, time_hour) as scheduled_departures_in_hour
    from flights
),

final as (
    select
        {{ dump_date() }} as _dump_date,
        flights.flight_id,
        flights.flight_date,
        flights.scheduled_departure_at,
        extract(month from flights.flight_date) as month,
        extract(dayofweek from flights.flight_date) as day_of_week,
        extract(dayofyear from flights.flight_date) as day_of_year,
        schedule.departure_minute_of_day,
        extract(hour from flights.scheduled_arrival_time) * 60
        + extract(minute from flights.scheduled_arrival_time) as arrival_minute_of_day,
        schedule.scheduled_departures_before,
        schedule.scheduled_departures_in_hour,
        flights.carrier,
        flights.flight,
        flights.origin,
        flights.dest,
        flights.distance,
        weather.temp as weather_temp,
        weather.dewp as weather_dewp,
        weather.humid as weather_humid,
        weather.wind_dir as weather_wind_dir,
        weather.wind_speed as weather_wind_speed,
        weather.wind_gust as weather_wind_gust,
        weather.precip as weather_precip,
        weather.pressure as weather_pressure,
        weather.visib as weather_visib,
        history.carrier_departures_before,
        history.carrier_mean_dep_delay_before,
        history.route_departures_before,
        history.route_mean_dep_delay_before,
        flights.tailnum as plane_tailnum,
        extract(year from flights.flight_date) - planes.year as plane_age_years,
        planes.seats as plane_seats,
        planes.engines as plane_engines,
        planes.engine as plane_engine,
        if(flights.tailnum is null, null, history.plane_departures_before) as plane_departures_before,
        if(flights.tailnum is null, null, history.plane_mean_dep_delay_before) as plane_mean_dep_delay_before,
        flights.dep_delay as label_dep_delay_minutes,
        flights.is_departed_late as label_is_delayed_15,
        flights.is_cancelled as label_cancelled
    from flights
    left join schedule on flights.flight_id = schedule.flight_id
    left join history on flights.flight_id = history.flight_id
    left join planes on flights.tailnum = planes.tailnum
    left join weather
        on
            flights.origin = weather.origin
            and datetime_sub(flights.time_hour, interval 1 hour) = weather.time_hour
)

select * from final
