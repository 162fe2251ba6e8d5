-- Whether publishing is on hold; the newest record counts.
create table if not exists ops.holds (
    state string not null options (description = 'held or released.'),
    set_by string not null options (description = 'Who held or released it.'),
    why string options (description = 'Why it is held.'),
    recorded_at timestamp not null options (description = 'When (UTC).')
)
