insert into ops.costs_log (
    job_id,
    database,
    step,
    dump_date,
    run_id,
    job_type,
    statement_type,
    bytes_processed,
    bytes_billed,
    slot_seconds,
    created_at,
    ended_at,
    error,
    recorded_at
)
select
    json_value(item, '$.job_id'),
    json_value(item, '$.database'),
    json_value(item, '$.step'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    json_value(item, '$.job_type'),
    json_value(item, '$.statement_type'),
    cast(json_value(item, '$.bytes_processed') as int64),
    cast(json_value(item, '$.bytes_billed') as int64),
    cast(json_value(item, '$.slot_seconds') as float64),
    cast(json_value(item, '$.created_at') as timestamp),
    cast(json_value(item, '$.ended_at') as timestamp),
    json_value(item, '$.error'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
