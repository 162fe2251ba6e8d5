insert into ops.task_durations_log (
    dag_id,
    database,
    dump_date,
    run_id,
    task_id,
    step,
    try_number,
    state,
    queued_at,
    started_at,
    ended_at,
    duration_seconds,
    queued_seconds,
    recorded_at
)
select
    json_value(item, '$.dag_id'),
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    json_value(item, '$.task_id'),
    json_value(item, '$.step'),
    cast(json_value(item, '$.try_number') as int64),
    json_value(item, '$.state'),
    cast(json_value(item, '$.queued_at') as timestamp),
    cast(json_value(item, '$.started_at') as timestamp),
    cast(json_value(item, '$.ended_at') as timestamp),
    cast(json_value(item, '$.duration_seconds') as float64),
    cast(json_value(item, '$.queued_seconds') as float64),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
