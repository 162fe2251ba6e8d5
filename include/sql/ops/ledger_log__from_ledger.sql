-- The rows of the table that ops.ledger was before it became a view of the log.
insert into ops.ledger_log (database, dump_date, stage, table_name, row_count, run_id, recorded_at)
select
    database,
    dump_date,
    stage,
    table_name,
    row_count,
    run_id,
    recorded_at
from ops.ledger
