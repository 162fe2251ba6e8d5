select
    '$database' as database,
    item._dump_date as dump_date,
    '$table' as table_name,
    rule,
    count(*) as row_count
from `$quarantine`.`$table` as item
cross join unnest(item._rule) as rule
group by item._dump_date, rule
