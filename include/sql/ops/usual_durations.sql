-- By DAG and task, the median of what its last 14 successes took (seconds); of a dbt group, its producer's.
with newest as (
    select
        dag_id,
        task_id,
        duration_seconds
    from ops.task_durations
    where
        state = 'success'
        and ended_at >= cast(@since as timestamp)
        and (task_id = step or ends_with(task_id, @producer))
    qualify row_number() over (partition by dag_id, task_id order by ended_at desc) <= 14
),

placed as (
    select
        dag_id,
        task_id,
        duration_seconds,
        row_number() over (partition by dag_id, task_id order by duration_seconds) as place,
        count(*) over (partition by dag_id, task_id) as times
    from newest
)

select
    dag_id,
    task_id,
    duration_seconds
from placed
where 2 * place in (times, times + 1)
