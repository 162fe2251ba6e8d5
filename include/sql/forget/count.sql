-- A person's rows in a table, by the day of the dump where the table knows one.
select
    '$table' as table_name,
    $state as state, -- noqa: AL09
    count(*) as row_count
from `$dataset`.`$table`
where $condition
group by 1, 2
