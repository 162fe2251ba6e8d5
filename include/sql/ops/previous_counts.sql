-- Rows per table of the newest landed dump before a day, at one stage.
with newest as (
    select
        dump_date,
        run_id,
        state
    from ops.runs
    where database = @database and dump_date < cast(@before as date)
    qualify row_number() over (partition by dump_date order by recorded_at desc) = 1
),

last_landed as (
    select max(dump_date) as dump_date
    from newest
    where state = 'landed'
)

select
    ledger.table_name,
    ledger.row_count
from ops.ledger
inner join last_landed on ledger.dump_date = last_landed.dump_date
where ledger.database = @database and ledger.stage = @stage
