insert into ops.forgotten (
    request_id,
    app,
    subject,
    database,
    subject_key,
    event,
    requested_by,
    why,
    recorded_at
)
select
    json_value(item, '$.request_id'),
    json_value(item, '$.app'),
    json_value(item, '$.subject'),
    json_value(item, '$.database'),
    json_value(item, '$.subject_key'),
    json_value(item, '$.event'),
    json_value(item, '$.requested_by'),
    json_value(item, '$.why'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
