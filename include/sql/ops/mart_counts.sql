-- Rows and checksums per mart of the wanted databases and days, as counted when they landed.
with wanted as (
    select
        json_value(item, '$.database') as database,
        cast(json_value(item, '$.dump_date') as date) as dump_date
    from unnest(json_query_array(@wanted)) as item
)

select
    ledger.database,
    ledger.table_name,
    ledger.row_count,
    ledger.checksum
from ops.ledger
inner join wanted on ledger.database = wanted.database and ledger.dump_date = wanted.dump_date
where ledger.stage = 'marts'
