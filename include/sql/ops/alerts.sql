-- What people were told: a row for each message, change of it and answer in its thread that was sent.
create table if not exists ops.alerts (
    alert_id string not null options (description = 'What it is about; its later changes have the same.'),
    kind string not null options (description = 'failed, late, stale, slow or dag_import.'),
    cause string options (description = 'What the subjects have in common, such as the class of an error.'),
    severity string not null options (description = 'page, ticket or note.'),
    owner string options (description = 'Who is responsible, as in the registry.'),
    channel string options (description = 'Where it was sent to.'),
    subjects string not null options (description = 'The databases, or what else it is about, with commas between.'),
    database_count int64 not null options (description = 'How many databases.'),
    event string not null options (description = 'posted, updated, replied, recovered; silenced: nothing was sent.'),
    headline string not null options (description = 'Its first line.'),
    runbook string options (description = 'Page and section of docs/runbooks.'),
    sent_at timestamp not null options (description = 'When it was delivered (UTC).'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
partition by date(recorded_at)
cluster by kind, severity
