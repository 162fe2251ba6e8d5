insert into simulator.days (database_name, day, row_counts, dump_due)
values (%s, %s, %s, %s)
