-- How many values of a raw table the loader could not write as they are, by column, and what it made of them.
select
    '$table' as table_name,
    json_value(item, '$$.field') as column_name,
    json_value(item, '$$.change') as change,
    json_value(item, '$$.reason') as reason,
    count(*) as value_count
from `$dataset`.`$table`, unnest(json_query_array(_airbyte_meta, '$$.changes')) as item
where to_json_string(_airbyte_meta) like '%"change":%'
group by 1, 2, 3, 4
