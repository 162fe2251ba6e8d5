-- Rows by day and table in the dumps of a database, as pre-flight counted them.
select
    dump_date,
    table_name,
    row_count
from ops.ledger
where database = @database and stage = 'dump'
