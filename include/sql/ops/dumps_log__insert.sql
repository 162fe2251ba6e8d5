insert into ops.dumps_log (
    database,
    dump_date,
    dump_uri,
    dump_generation,
    accepted,
    sha256,
    compression,
    stored_bytes,
    sql_bytes,
    statements,
    table_count,
    row_count,
    server_version,
    run_id,
    recorded_at
)
select
    json_value(item, '$.database'),
    cast(json_value(item, '$.dump_date') as date),
    json_value(item, '$.dump_uri'),
    cast(json_value(item, '$.dump_generation') as int64),
    cast(json_value(item, '$.accepted') as bool),
    json_value(item, '$.sha256'),
    json_value(item, '$.compression'),
    cast(json_value(item, '$.stored_bytes') as int64),
    cast(json_value(item, '$.sql_bytes') as int64),
    cast(json_value(item, '$.statements') as int64),
    cast(json_value(item, '$.table_count') as int64),
    cast(json_value(item, '$.row_count') as int64),
    json_value(item, '$.server_version'),
    json_value(item, '$.run_id'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
