-- The columns of every table of a dataset, in their order.
select
    table_name,
    column_name,
    data_type
from `$dataset`.information_schema.columns
order by table_name, ordinal_position
