-- The rows of a history that a day's dump has; versions that ended before are not read.
select
    '$table' as table_name,
    count(*) as row_count
from `$dataset`.`$table`
where _valid_from <= cast(@day as date) and (_valid_to is null or _valid_to > cast(@day as date))
