delete from `consolidated`.`$table`
where true;
insert into `consolidated`.`$table` ($columns) select $columns from `consolidated__audit`.`$table`;
