insert into ops.holds (state, set_by, why, recorded_at)
select
    json_value(item, '$.state'),
    json_value(item, '$.set_by'),
    json_value(item, '$.why'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
