-- Which of the given keys there are in a table.
with keyed as (
    select $row_key as row_key -- noqa: AL09
    from `$dataset`.`$table`
)

select distinct row_key
from keyed
where row_key in unnest(json_value_array(@keys))
