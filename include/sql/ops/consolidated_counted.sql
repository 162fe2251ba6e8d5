-- The databases whose rows in `consolidated` were counted for the wanted day.
with wanted as (
    select
        json_value(item, '$.database') as database,
        cast(json_value(item, '$.dump_date') as date) as dump_date
    from unnest(json_query_array(@wanted)) as item
)

select distinct ledger_log.database
from ops.ledger_log
inner join wanted on ledger_log.database = wanted.database and ledger_log.dump_date = wanted.dump_date
where ledger_log.stage = 'consolidated'
