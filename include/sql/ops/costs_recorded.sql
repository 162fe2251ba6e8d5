-- The jobs that were submitted last, as far as they are recorded: from the overlap before the newest of them on.
select
    job_id,
    created_at
from ops.costs_log
where
    recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
    and created_at >= timestamp_sub(
        (
            select max(newest.created_at)
            from ops.costs_log as newest
            where newest.recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
        ),
        interval cast(@overlap_seconds as int64) second
    )
