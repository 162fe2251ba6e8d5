-- Every database, and which day its rows in a version of `consolidated` are of.
create or replace table `$dataset`.`databases` (
    database string not null options (description = 'Database, as in the registry.'),
    app string not null options (description = 'The schema that it shares with others.'),
    as_of date options (description = 'Day of the dump that its rows are of; empty: it never landed.'),
    dump_uri string options (description = 'The dump object.'),
    row_count int64 not null options (description = 'Its rows in all tables of this dataset together.'),
    stale bool not null options (description = 'Whether the rows are older than the day of publishing.'),
    edition string options (description = 'Which landing of the dump its rows are of; the same: the same rows.'),
    published_at timestamp not null options (description = 'When this version was made.'),
    version string options (description = 'The version that all tables are of; the same in every row.')
) as
select
    json_value(item, '$$.database') as database,
    json_value(item, '$$.app') as app,
    cast(json_value(item, '$$.as_of') as date) as as_of,
    json_value(item, '$$.dump_uri') as dump_uri,
    cast(json_value(item, '$$.row_count') as int64) as row_count,
    cast(json_value(item, '$$.stale') as bool) as stale,
    json_value(item, '$$.edition') as edition,
    current_timestamp() as published_at,
    @version as version
from unnest(json_query_array(@rows)) as item
