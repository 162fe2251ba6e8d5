-- The tries that ended last, as far as they are recorded: from the overlap before the newest end on.
select
    dag_id,
    run_id,
    task_id,
    try_number,
    state,
    ended_at
from ops.task_durations_log
where
    recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
    and ended_at >= timestamp_sub(
        (
            select max(newest.ended_at)
            from ops.task_durations_log as newest
            where newest.recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
        ),
        interval cast(@overlap_seconds as int64) second
    )
