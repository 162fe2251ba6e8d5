-- By database, what became of its newest 15 days, and its newest day in each state: rows, and since when.
with newest as (
    select
        database,
        dump_date,
        run_id,
        state,
        row_count,
        recorded_at
    from ops.runs
    where recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
    qualify row_number() over (partition by database, dump_date order by recorded_at desc) = 1
)

select
    database,
    dump_date,
    run_id,
    state,
    row_count,
    recorded_at
from newest
where true
qualify
    row_number() over (partition by database order by dump_date desc) <= 15
    or row_number() over (partition by database, state order by dump_date desc) = 1
