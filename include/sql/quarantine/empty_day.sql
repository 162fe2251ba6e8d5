delete from `$quarantine`.`$table`
where _dump_date = (select load.dump_date from `$raw`.`$marker` as load);
