-- What people decided about rows that break a rule; the newest record of database, table, rule and key counts.
create table if not exists ops.quarantine_decisions (
    database string not null options (description = 'Database, as in the registry.'),
    table_name string not null options (description = 'Table that the row is of.'),
    rule string not null options (description = 'Rule that the row breaks.'),
    row_key string not null options (description = 'Key of the row, as JSON text.'),
    decision string not null options (description = 'release: the row is fine; drop: it is left out for good.'),
    decided_by string not null options (description = 'Who decided.'),
    why string not null options (description = 'Why.'),
    decided_at timestamp not null options (description = 'When the record was written.')
)
partition by date(decided_at)
cluster by database, table_name
