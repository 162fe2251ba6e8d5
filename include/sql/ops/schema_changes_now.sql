-- In what the newest checked dump of each database, or of one, differs from its contract; older dumps do not count.
-- `first_day` is that of the first dump that was found to differ in the same way, `since` when that was found.
with newest as (
    select
        database,
        dump_date,
        run_id,
        recorded_at
    from ops.dumps_log
    where @database in ('', database) and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
    qualify row_number() over (partition by database order by dump_date desc, recorded_at desc) = 1
),

recorded as (
    select
        database,
        dump_date,
        run_id,
        table_name,
        column_name,
        change,
        contract,
        dump,
        mode,
        outcome,
        why,
        recorded_at,
        min(dump_date) over (same) as first_day,
        min(recorded_at) over (same) as since
    from ops.schema_changes
    where @database in ('', database) and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
    window same as (partition by database, table_name, column_name, change, contract, dump)
)

select distinct
    recorded.database,
    recorded.dump_date,
    recorded.run_id,
    recorded.table_name,
    recorded.column_name,
    recorded.change,
    recorded.contract,
    recorded.dump,
    recorded.mode,
    recorded.outcome,
    recorded.why,
    recorded.first_day,
    recorded.since
from recorded
inner join newest
    on
        recorded.database = newest.database
        and recorded.dump_date = newest.dump_date
        and recorded.run_id = newest.run_id
where recorded.recorded_at >= newest.recorded_at
order by recorded.database, recorded.table_name, recorded.column_name, recorded.change
