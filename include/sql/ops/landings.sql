-- One row per database and day of a dump whose marts are built and checked: the newest record of the day says `landed`.
create view if not exists ops.landings as
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
    where true
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
