-- How many decisions are about rows that are named by a key of the person.
select count(*) as row_count
from ops.quarantine_decisions
where database = @database and regexp_contains(concat(table_name, ' ', row_key), @named)
