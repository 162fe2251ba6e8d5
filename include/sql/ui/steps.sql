-- The tries of a DAG's tasks that ended in the last 30 days, the newest first.
with tries as (
    select
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
        queued_seconds
    from ops.task_durations_log
    where
        dag_id = @dag_id
        and dump_date is not null
        and recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
    qualify row_number() over (partition by run_id, task_id, try_number order by recorded_at desc) = 1
)

select
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
    queued_seconds
from tries
order by ended_at desc
limit 5000
