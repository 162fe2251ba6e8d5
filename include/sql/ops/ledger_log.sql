-- Every count of a table at a stage of a run, retries too; ops.ledger shows the newest of each.
create table if not exists ops.ledger_log (
    database string not null options (description = 'Database, as in the registry.'),
    dump_date date not null options (description = 'Day of the dump.'),
    stage string not null options (description = 'dump, forgotten, staging, raw, quarantine, marts or consolidated.'),
    table_name string not null options (description = 'Table, or mart.'),
    row_count int64 not null options (description = 'Rows that were counted there.'),
    checksum string options (description = 'Order-free sum of their content; empty where the stage has none.'),
    run_id string not null options (description = 'Airflow run that counted.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by database, stage
