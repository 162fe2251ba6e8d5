-- In a table of a version that was copied from an older one: the audited rows in place of those of some databases.
-- No column may have the variable's name: BigQuery would take the column.
declare _tributary_replaced array<string> default $replaced;
delete from `$dataset`.`$table`
where _database in unnest(_tributary_replaced);
insert into `$dataset`.`$table` ($columns) select $columns from `$audit`.`$table`;
