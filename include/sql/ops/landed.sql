-- By database, the newest dump up to a day whose marts are built and checked.
with newest as (
    select
        database,
        dump_date,
        run_id,
        state,
        dump_uri,
        dump_generation,
        row_count,
        recorded_at
    from ops.runs
    where dump_date <= cast(@day as date)
    qualify row_number() over (partition by database, dump_date order by recorded_at desc) = 1
)

select
    database,
    dump_date,
    run_id,
    dump_uri,
    dump_generation,
    row_count,
    recorded_at as landed_at
from newest
where state = 'landed'
qualify row_number() over (partition by database order by dump_date desc) = 1
