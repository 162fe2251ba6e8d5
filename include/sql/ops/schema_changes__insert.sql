insert into ops.schema_changes (
    database, dump_date, run_id, app, table_name, column_name, change, contract, dump, mode, outcome, why, recorded_at
)
select
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    json_value(item, '$.app'),
    json_value(item, '$.table_name'),
    json_value(item, '$.column_name'),
    json_value(item, '$.change'),
    json_value(item, '$.contract'),
    json_value(item, '$.dump'),
    json_value(item, '$.mode'),
    json_value(item, '$.outcome'),
    json_value(item, '$.why'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
