-- What was decided about rows that are named by a key of the person.
delete from ops.quarantine_decisions
where database = @database and regexp_contains(concat(table_name, ' ', row_key), @named)
