insert into `$raw`.`$table` ($columns)
select $row_columns -- noqa: RF02
from `$quarantine`.`$table` as item
inner join `$raw`.`$marker` as load
    on item._dump_date = load.dump_date and item._loaded_at = load.loaded_at;
