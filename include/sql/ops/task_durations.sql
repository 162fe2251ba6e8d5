-- One row per try of a task that has ended.
create view if not exists ops.task_durations as
select
    dag_id,
    database,
    dump_date,
    run_id,
    task_id,
    step,
    try_number,
    state,
    queued_at,
    started_at,
    ended_at,
    duration_seconds,
    queued_seconds,
    recorded_at
from ops.task_durations_log
where true
qualify row_number() over (partition by dag_id, run_id, task_id, try_number order by recorded_at desc) = 1
