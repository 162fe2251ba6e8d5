insert into simulator.living_databases (database_name, app, origin, seed, scale, simulated_day)
values (%s, %s, %s, %s, %s, %s)
