-- The columns of every table of a dataset, in their order. BigQuery minds the case of its own views' names.
select
    table_name,
    column_name,
    data_type
from `$dataset`.INFORMATION_SCHEMA.COLUMNS -- noqa: CP02
order by table_name, ordinal_position
