-- The newest 14 dumps of a database, as pre-flight read each last.
with newest as (
    select
        dump_date,
        dump_uri,
        accepted,
        compression,
        stored_bytes,
        table_count,
        row_count,
        recorded_at
    from ops.dumps_log
    where database = @database and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
    qualify
        row_number() over (partition by dump_date, dump_uri, dump_generation order by recorded_at desc) = 1
)

select
    dump_date,
    dump_uri,
    accepted,
    compression,
    stored_bytes,
    table_count,
    row_count,
    recorded_at
from newest
order by dump_date desc, recorded_at desc
limit 14
