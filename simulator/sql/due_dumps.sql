select day from simulator.days where database_name = %s and dump_due order by day
