update simulator.days set dump_bytes = %s, dump_due = 0 where database_name = %s and day = %s
