-- Requests to forget, and their ends; the newest record of a request says where it stands.
create table if not exists ops.forgotten (
    request_id string not null options (description = 'The same for the same key, subject and database.'),
    app string not null options (description = 'The schema that the database shares with others.'),
    subject string not null options (description = 'Whom the key names, as in the contract.'),
    database string not null options (description = 'Database, as in the registry.'),
    subject_key string not null options (description = 'The key, as it stands in the tables.'),
    event string not null options (description = 'requested: rows are being taken out; done: they were, in every layer.'),
    requested_by string not null options (description = 'Who asked.'),
    why string not null options (description = 'Why, such as the number of a ticket.'),
    recorded_at timestamp not null options (description = 'When the record was written.')
)
