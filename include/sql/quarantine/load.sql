-- Which dump raw holds.
select dump_date
from `$raw`.`$marker`
