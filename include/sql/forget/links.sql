-- The keys of a person's rows, by which rows of other tables are reached.
select distinct
    $state as state, -- noqa: AL09
    cast(`$column` as string) as row_key
from `$dataset`.`$table`
where $condition
