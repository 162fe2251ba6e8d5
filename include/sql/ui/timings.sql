-- By DAG, when the newest run of each of its newest 15 days began and ended.
with runs as (
    select
        dag_id,
        dump_date,
        run_id,
        min(coalesce(queued_at, started_at)) as began_at,
        max(ended_at) as ended_at
    from ops.task_durations_log
    where dump_date is not null and recorded_at >= timestamp_sub(current_timestamp(), interval 30 day)
    group by dag_id, dump_date, run_id
),

newest as (
    select
        dag_id,
        dump_date,
        run_id,
        began_at,
        ended_at
    from runs
    where true
    qualify row_number() over (partition by dag_id, dump_date order by ended_at desc) = 1
)

select
    dag_id,
    dump_date,
    run_id,
    began_at,
    ended_at
from newest
where true
qualify row_number() over (partition by dag_id order by dump_date desc) <= 15
