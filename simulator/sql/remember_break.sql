insert into simulator.breaks (database_name, rule, detail)
values (%s, %s, %s)
on duplicate key update detail = values(detail)
