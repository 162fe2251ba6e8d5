-- Values that BigQuery cannot hold as MySQL has them (docs/types.md), counted by column and run; no row: all are exact.
-- The newest records of a run count: a sync that is run again counts anew.
create table if not exists ops.changed_values (
    database string not null options (description = 'Database, as in the registry.'),
    dump_date date not null options (description = 'Day of the dump.'),
    run_id string not null options (description = 'Airflow run that loaded it.'),
    table_name string not null options (description = 'Table.'),
    column_name string not null options (description = 'Column whose values they were.'),
    change string not null options (description = 'What the loader made of them: NULLED, TRUNCATED.'),
    reason string options (description = "Why, in the loader's words."),
    value_count int64 not null options (description = 'Values, of as many rows.'),
    recorded_at timestamp not null options (description = 'When the record was written (UTC).')
)
partition by date(recorded_at)
cluster by database
