-- Rows per table of the newest landed dump before a day, at one stage: as they were counted on the way to that landing,
-- and not as a later try of the same day has counted another dump that was refused. Rows that were taken out since, as
-- somebody is to be forgotten, do not count.
with newest as (
    select
        dump_date,
        state,
        recorded_at
    from ops.runs
    where database = @database and dump_date < cast(@before as date)
    qualify row_number() over (partition by dump_date order by recorded_at desc) = 1
),

last_landed as (
    select
        dump_date,
        recorded_at
    from newest
    where state = 'landed'
    qualify row_number() over (order by dump_date desc) = 1
)

select
    counted.table_name,
    counted.row_count
from ops.ledger_log as counted
inner join last_landed on counted.dump_date = last_landed.dump_date
where
    counted.database = @database
    and counted.stage = @stage
    and (counted.recorded_at <= last_landed.recorded_at or starts_with(counted.run_id, 'forget__'))
qualify row_number() over (partition by counted.table_name order by counted.recorded_at desc) = 1
