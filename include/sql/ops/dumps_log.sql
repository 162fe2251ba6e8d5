-- Every dump that pre-flight read to its end, retries too; ops.dumps shows the newest check of each.
create table if not exists ops.dumps_log (
    database string not null options (description = 'Database, as in the registry.'),
    dump_date date not null options (description = 'Day of the dump.'),
    dump_uri string not null options (description = 'Object in the bucket.'),
    dump_generation int64 not null options (description = 'Generation of that object; 0 where the store has none.'),
    accepted bool not null options (description = 'Whether it is whole and safe to import; guards judge later.'),
    sha256 string not null options (description = 'Of the object as stored, hexadecimal.'),
    compression string not null options (description = 'How its text is packed.'),
    stored_bytes int64 not null options (description = 'Size of the object.'),
    sql_bytes int64 not null options (description = 'Size of its text.'),
    statements int64 not null options (description = 'SQL statements in it.'),
    table_count int64 not null options (description = 'Tables that exist after it.'),
    row_count int64 not null options (description = 'Their rows together.'),
    server_version string options (description = 'Server that it is from, where its header says.'),
    run_id string not null options (description = 'Airflow run that checked it.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by database
