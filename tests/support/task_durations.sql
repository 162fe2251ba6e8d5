create table if not exists ops.task_durations_log (
    dag_id string not null,
    database string,
    dump_date date,
    run_id string not null,
    task_id string not null,
    step string not null,
    try_number int64 not null,
    state string not null,
    queued_at timestamp,
    started_at timestamp,
    ended_at timestamp not null,
    duration_seconds float64,
    queued_seconds float64,
    recorded_at timestamp not null
)
partition by date(recorded_at)
cluster by database, step
