-- One row per dump object and day that pre-flight has read, as its newest check found it.
create view if not exists ops.dumps as
select
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
from ops.dumps_log
where true
qualify row_number() over (partition by database, dump_date, dump_uri, dump_generation order by recorded_at desc) = 1
