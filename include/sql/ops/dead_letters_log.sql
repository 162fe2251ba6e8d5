-- Every state that a record of a failed step was in; ops.dead_letters shows the newest of each.
-- A copy for reading: the records themselves are objects below _dead_letters/ in the dumps' bucket.
create table if not exists ops.dead_letters_log (
    id string not null options (description = 'Subject, day and step, as the command takes it: shop_eu/2013-01-02/sync.'),
    status string not null options (description = 'open, replaying, replayed (succeeded since) or resolved (by hand).'),
    subject string not null options (description = 'Database, consolidate, or dags.<file> for a file that does not import.'),
    database string options (description = 'Database, as in the registry; empty for consolidate and for files.'),
    dump_date date not null options (description = 'Day of the dump; for a file the day of its first error.'),
    task_id string not null options (description = 'Step that failed; dag_import for a file.'),
    dag_id string options (description = 'Airflow DAG.'),
    run_id string options (description = 'Airflow run of the last failure.'),
    dump_uri string options (description = 'Object that the run was loading, where it had chosen one.'),
    dump_generation int64 options (description = 'Generation of that object.'),
    reason string not null options (description = 'Class of the exception; NotReported where none reached the record.'),
    code string options (description = 'Number of the exception: HTTP, MySQL or the system.'),
    message string not null options (description = 'One line without secrets and values of rows.'),
    kind string options (description = 'passing, permanent or unknown.'),
    cause string options (description = 'What the exception means, such as auth or quota.'),
    service string options (description = 'Service that it came from, where that is known.'),
    advice string options (description = 'What to do about it.'),
    tries int64 not null options (description = 'How often the step was tried in vain.'),
    first_failed_at timestamp not null options (description = 'When it first failed for good (UTC).'),
    last_failed_at timestamp not null options (description = 'When it last did.'),
    log_url string options (description = 'Page of the log of its last try.'),
    outcome string options (description = 'What came of the last replay.'),
    replayed_by string options (description = 'Who asked for the last replay.'),
    resolved_by string options (description = 'Who closed it by hand.'),
    why string options (description = 'Why it was closed by hand.'),
    changed_at timestamp not null options (description = 'When the status moved last.'),
    updated_at timestamp options (description = 'When the record was written to the bucket.'),
    replay string not null options (description = 'Command that runs the step again.'),
    recorded_at timestamp not null options (description = 'When this row was written.')
)
partition by date(recorded_at)
cluster by subject, status
