-- What was taken out, and what was left, by request and table: by the command, and by every import behind it.
create table if not exists ops.forget_receipts (
    request_id string not null options (description = 'Request, as in ops.forgotten.'),
    database string not null options (description = 'Database, as in the registry.'),
    layer string not null options (description = 'dump (of an import), staging, raw, ..., consolidated or ops.'),
    dataset string not null options (description = 'Dataset, or the staging database.'),
    table_name string not null options (description = 'Table.'),
    removed int64 not null options (description = 'Rows that were taken out.'),
    remaining int64 not null options (description = 'Rows that were found afterwards.'),
    dump_date date options (description = 'Of an import, the day of its dump: it still had the rows.'),
    run_id string options (description = 'Of an import, its Airflow run.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by request_id
