-- Which dump a raw dataset holds.
select
    dump_date,
    run_id
from `$dataset`.`$table`
