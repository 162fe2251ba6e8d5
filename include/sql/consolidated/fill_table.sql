insert into `consolidated`.`$table` ($columns) select $columns from `$source`.`$table`
where $condition;
