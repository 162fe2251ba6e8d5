-- In a table of a version that was copied from an older one: the audited rows in place of those of some databases.
declare replaced array<string> default $replaced;
delete from `$dataset`.`$table`
where _database in unnest(replaced);
insert into `$dataset`.`$table` ($columns) select $columns from `$audit`.`$table`;
