-- In what a dump differed from its contract, and what was done about it: a row for each change and check of a dump.
-- The newest ones of a database are those that were written after its newest record in ops.dumps_log.
create table if not exists ops.schema_changes (
    database string not null options (description = 'Database, as in the registry.'),
    dump_date date not null options (description = 'Day of the dump.'),
    run_id string not null options (description = 'Airflow run that read the dump.'),
    app string not null options (description = 'App whose contract it was held against.'),
    table_name string not null options (description = 'Table in MySQL.'),
    column_name string options (description = 'Column; empty where it is about the table.'),
    change string not null options (description = 'What has become of it: added column, other type, ...'),
    contract string options (description = 'What the contract says: a type, a name, the key.'),
    dump string options (description = 'What the dump says in its place.'),
    mode string options (description = 'Mode of the contract (on_change); empty where it says none.'),
    outcome string not null options (description = 'What is done about it: stopped, fits, left out, copied, ...'),
    why string options (description = 'Why, where the change alone does not say it.'),
    recorded_at timestamp not null options (description = 'When the record was written (UTC).')
)
partition by date(recorded_at)
cluster by database
