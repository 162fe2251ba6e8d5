insert into ops.forget_receipts (
    request_id,
    database,
    layer,
    dataset,
    table_name,
    removed,
    remaining,
    dump_date,
    run_id,
    recorded_at
)
select
    json_value(item, '$.request_id'),
    json_value(item, '$.database'),
    json_value(item, '$.layer'),
    json_value(item, '$.dataset'),
    json_value(item, '$.table_name'),
    cast(json_value(item, '$.removed') as int64),
    cast(json_value(item, '$.remaining') as int64),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.run_id'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
