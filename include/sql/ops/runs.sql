-- What became of every run of a database; the newest record of a database and day counts.
create table if not exists ops.runs (
    database string not null options (description = 'Database, as in the registry.'),
    dump_date date not null options (description = 'Day of the dump.'),
    run_id string not null options (description = 'Airflow run that wrote the record.'),
    state string not null options (
        description = 'transforming: its marts are being rebuilt; landed: they are built and checked.'
    ),
    dump_uri string not null options (description = 'Object that was loaded.'),
    dump_generation int64 options (description = 'Generation of that object.'),
    row_count int64 options (description = 'Rows of the dump, all tables together.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by database
