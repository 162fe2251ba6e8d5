-- Which of some keys the rows of a database have in a table.
select distinct cast(`$column` as string) as row_key
from `$dataset`.`$table`
where $only and cast(`$column` as string) in unnest(json_value_array(@keys))
