-- What became of each of a database's newest 90 days, the oldest first.
with newest as (
    select
        dump_date,
        state,
        row_count,
        recorded_at
    from ops.runs
    where database = @database and recorded_at >= timestamp_sub(current_timestamp(), interval 180 day)
    qualify row_number() over (partition by dump_date order by recorded_at desc) = 1
),

limited as (
    select
        dump_date,
        state,
        row_count,
        recorded_at
    from newest
    where true
    qualify row_number() over (order by dump_date desc) <= 90
)

select
    dump_date,
    state,
    row_count,
    recorded_at
from limited
order by dump_date
