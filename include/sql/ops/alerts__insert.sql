insert into ops.alerts (
    alert_id,
    kind,
    cause,
    severity,
    owner,
    channel,
    subjects,
    database_count,
    event,
    headline,
    runbook,
    sent_at,
    recorded_at
)
select
    json_value(item, '$.alert_id'),
    json_value(item, '$.kind'),
    json_value(item, '$.cause'),
    json_value(item, '$.severity'),
    json_value(item, '$.owner'),
    json_value(item, '$.channel'),
    json_value(item, '$.subjects'),
    cast(json_value(item, '$.database_count') as int64),
    json_value(item, '$.event'),
    json_value(item, '$.headline'),
    json_value(item, '$.runbook'),
    cast(json_value(item, '$.sent_at') as timestamp),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
