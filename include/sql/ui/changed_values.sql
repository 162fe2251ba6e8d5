-- What the newest load of a database's day could not write as it is, by column.
select table_name, column_name, change, reason, value_count
from ops.changed_values
where database = @database and dump_date = cast(@day as date)
qualify rank() over (order by recorded_at desc) = 1
order by table_name, column_name, change
