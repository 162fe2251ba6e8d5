delete from simulator.breaks where database_name = %s and rule = %s
