-- The newest state of each record of the last 90 days, the newest failure first.
with newest as (
    select
        id,
        status,
        subject,
        database,
        dump_date,
        task_id,
        dag_id,
        run_id,
        reason,
        message,
        tries,
        last_failed_at,
        changed_at,
        updated_at
    from ops.dead_letters_log
    where recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
    qualify row_number() over (partition by id order by updated_at desc, recorded_at desc) = 1
)

select
    id,
    status,
    subject,
    database,
    dump_date,
    task_id,
    dag_id,
    run_id,
    reason,
    message,
    tries,
    last_failed_at,
    changed_at,
    updated_at
from newest
order by last_failed_at desc, id desc
limit 5000
