-- How many rows a round found that no one has released.
select count(*) as findings
from `$quarantine`.`$findings`
where found_in_round = cast(@round as int64) and coalesce(decision, '') <> 'release'
