-- One row per database, day, stage and table, however often the stage was tried.
create view if not exists ops.ledger as
select
    database,
    dump_date,
    stage,
    table_name,
    row_count,
    checksum,
    run_id,
    recorded_at
from ops.ledger_log
where true
qualify row_number() over (partition by database, dump_date, stage, table_name order by recorded_at desc) = 1
