insert into ops.runs (database, dump_date, run_id, state, dump_uri, dump_generation, row_count, recorded_at)
select
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    json_value(item, '$.state'),
    json_value(item, '$.dump_uri'),
    cast(json_value(item, '$.dump_generation') as int64),
    cast(json_value(item, '$.row_count') as int64),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
