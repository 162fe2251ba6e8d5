delete from `consolidated`.`$table`
where $condition;
