-- Where the newest dump of a database lies that pre-flight has read.
select dump_uri
from ops.dumps_log
where database = @database and recorded_at >= timestamp_sub(current_timestamp(), interval 90 day)
order by dump_date desc, recorded_at desc
limit 1
