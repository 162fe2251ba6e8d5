-- How many decisions there are about a database's rows.
select count(*) as decisions
from ops.quarantine_decisions
where database = @database
