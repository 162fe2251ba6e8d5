-- What the newest load of a database's day could not write as it is, by column: counted after raw was.
with counted as (
    select max(recorded_at) as counted_at
    from ops.ledger_log
    where
        database = @database
        and dump_date = cast(@day as date)
        and stage = 'raw'
        and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
)

select
    changed.table_name,
    changed.column_name,
    changed.change,
    changed.reason,
    changed.value_count
from ops.changed_values as changed
inner join counted on changed.recorded_at >= counted.counted_at
where
    changed.database = @database
    and changed.dump_date = cast(@day as date)
    and changed.recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
order by changed.table_name, changed.column_name, changed.change
