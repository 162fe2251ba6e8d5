select
    '$table' as table_name,
    _database,
    count(*) as row_count
from `consolidated__audit`.`$table`
group by _database
