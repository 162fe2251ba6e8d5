insert into ops.ledger_log (database, dump_date, stage, table_name, row_count, checksum, run_id, recorded_at)
select
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.stage'),
    json_value(item, '$.table_name'),
    cast(json_value(item, '$.row_count') as int64),
    json_value(item, '$.checksum'),
    json_value(item, '$.run_id'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
