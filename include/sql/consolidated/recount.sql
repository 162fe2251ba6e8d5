-- In the table of all databases: how many rows one has, after some were taken out.
update `$dataset`.`$table`
set row_count = cast(@rows as int64)
where database = @database
