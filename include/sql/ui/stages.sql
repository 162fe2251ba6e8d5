-- Rows per table of a database and day, stage by stage, as they were counted last.
select
    stage,
    table_name,
    row_count
from ops.ledger_log
where
    database = @database
    and dump_date = cast(@day as date)
    and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
qualify row_number() over (partition by stage, table_name order by recorded_at desc) = 1
