-- What was made live, newest last: the newest record is what readers of `consolidated` see.
create table if not exists ops.published (
    version string not null options (description = 'Version; its tables are kept in the dataset consolidated__v<version>.'),
    run_id string not null options (description = 'Airflow run that made the version.'),
    day date not null options (description = 'Day that the run was for.'),
    as_of string not null options (description = 'Day of the dump by database, as JSON.'),
    tables string not null options (description = 'Rows by table, as JSON.'),
    row_count int64 not null options (description = 'Rows of all tables together, but `databases`.'),
    kind string not null options (description = 'publish, rollback to an older version, or forget: the same without rows.'),
    published_by string options (description = 'Who rolled back, or asked to forget.'),
    why string options (description = 'Why.'),
    published_at timestamp not null options (description = 'When readers began to see it (UTC).')
)
partition by date(published_at)
