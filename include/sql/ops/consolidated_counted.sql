-- The databases whose rows in `consolidated` were counted since the wanted landing.
with wanted as (
    select
        json_value(item, '$.database') as database,
        cast(json_value(item, '$.dump_date') as date) as dump_date,
        cast(json_value(item, '$.landed_at') as timestamp) as landed_at
    from unnest(json_query_array(@wanted)) as item
)

select distinct ledger_log.database
from ops.ledger_log
inner join wanted on ledger_log.database = wanted.database and ledger_log.dump_date = wanted.dump_date
where ledger_log.stage = 'consolidated' and ledger_log.recorded_at > wanted.landed_at
