delete from `$dataset`.`$table`
where $condition
