-- Every try of a task as Airflow tells of it once it has ended; ops.task_durations shows the newest record of each.
create table if not exists ops.task_durations_log (
    dag_id string not null options (description = 'Airflow DAG.'),
    database string options (description = 'Database, as in the registry; empty for consolidate and housekeeping.'),
    dump_date date options (description = 'Day of the dump that the run is for; empty for housekeeping.'),
    run_id string not null options (description = 'Airflow run.'),
    task_id string not null options (description = 'Task, such as sync; those of dbt models run nothing and are left out.'),
    step string not null options (description = 'Task, or the group that it is in, such as transform.'),
    try_number int64 not null options (description = 'Which try of the task in this run, from 1 on.'),
    state string not null options (description = 'success, failed or skipped.'),
    queued_at timestamp options (description = 'When it was given to the executor (UTC).'),
    started_at timestamp options (description = 'When it began (UTC).'),
    ended_at timestamp not null options (description = 'When it ended (UTC).'),
    duration_seconds float64 options (description = 'From its begin to its end, waiting included.'),
    queued_seconds float64 options (description = 'From the executor to its begin; empty where it was deferred.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by database, step
