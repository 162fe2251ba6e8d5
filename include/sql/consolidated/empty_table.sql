delete from `consolidated`.`$table`
where true;
