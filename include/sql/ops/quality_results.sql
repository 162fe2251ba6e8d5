-- One row per rule and checkpoint, passed ones too; the rows are CheckpointResult.to_rows of tributary.quality.
create table if not exists ops.quality_results (
    run_id string not null options (description = 'Airflow run that checked.'),
    database string not null options (description = 'Database as in the registry; consolidated for all of them.'),
    dump_date date not null options (description = 'Day of the dump.'),
    checked_at timestamp not null options (description = 'When the checkpoint ended (UTC).'),
    dataset string not null options (description = 'Dataset that was checked.'),
    layer string not null options (description = 'raw, marts or consolidated.'),
    table_name string not null options (description = 'Table that the rule is about.'),
    column_name string options (description = 'Column or columns that the rule names; empty when it is about rows or the table.'),
    rule string not null options (description = 'Name of the rule, unique within table and layer.'),
    expectation string not null options (description = 'Type of expectation in Great Expectations; schema for column checks.'),
    origin string not null options (description = 'File that the rule was written in or derived from.'),
    status string not null options (description = 'passed, failed, error (could not be checked) or skipped (not applied).'),
    observed string options (description = 'What was found, where the rule is about the table as a whole.'),
    unexpected_count int64 options (description = 'Rows that break the rule.'),
    element_count int64 options (description = 'Rows that were looked at.'),
    unexpected_percent float64 options (description = 'Rows that break the rule, in percent of those looked at.'),
    sample_keys array<string> options (description = 'Primary keys of rows that break the rule, five at most.'),
    message string options (description = 'Why the rule could not be checked, or was not applied.')
)
partition by dump_date
cluster by database, status
