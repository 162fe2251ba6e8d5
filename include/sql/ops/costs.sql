-- One row per BigQuery job of Tributary that has ended.
create view if not exists ops.costs as
select
    job_id,
    database,
    step,
    dump_date,
    run_id,
    job_type,
    statement_type,
    bytes_processed,
    bytes_billed,
    slot_seconds,
    created_at,
    ended_at,
    error,
    recorded_at
from ops.costs_log
where true
qualify row_number() over (partition by job_id order by recorded_at desc) = 1
