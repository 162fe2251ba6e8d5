update simulator.living_databases set simulated_day = %s where database_name = %s
