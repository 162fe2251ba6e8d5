-- Every BigQuery job of Tributary that has ended, by its labels; ops.costs shows the newest record of each.
create table if not exists ops.costs_log (
    job_id string not null options (description = 'Job in BigQuery, of this project.'),
    database string options (description = 'Database, as in the registry; consolidated for all of them; empty for other work.'),
    step string options (description = 'Task or task group that started it; command: a person.'),
    dump_date date options (description = 'Day of the dump that it worked on, where its label says.'),
    run_id string options (description = 'Airflow run as its label has it: in lower case, with _ for what no label may hold.'),
    job_type string not null options (description = 'query, load, copy or extract.'),
    statement_type string options (description = 'Kind of SQL, such as INSERT; SCRIPT for several statements.'),
    bytes_processed int64 not null options (description = 'Bytes that a query read; 0 for other jobs.'),
    bytes_billed int64 not null options (description = 'Bytes that are paid for where queries are paid by the byte.'),
    slot_seconds float64 options (description = 'Time of all slots together.'),
    created_at timestamp not null options (description = 'When it was submitted (UTC).'),
    ended_at timestamp options (description = 'When it ended (UTC).'),
    error string options (description = 'Reason that BigQuery gives for its failure, such as invalidQuery.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by database, step
