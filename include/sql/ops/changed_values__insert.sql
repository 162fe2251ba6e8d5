insert into ops.changed_values (
    database, dump_date, run_id, table_name, column_name, change, reason, value_count, recorded_at
)
select
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    json_value(item, '$.table_name'),
    json_value(item, '$.column_name'),
    json_value(item, '$.change'),
    json_value(item, '$.reason'),
    cast(json_value(item, '$.value_count') as int64),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
