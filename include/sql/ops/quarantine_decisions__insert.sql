insert into ops.quarantine_decisions (database, table_name, rule, row_key, decision, decided_by, why, decided_at)
select
    json_value(item, '$.database'),
    json_value(item, '$.table_name'),
    json_value(item, '$.rule'),
    json_value(item, '$.row_key'),
    json_value(item, '$.decision'),
    json_value(item, '$.decided_by'),
    json_value(item, '$.why'),
    current_timestamp()
from unnest(json_query_array(@rows)) as item
