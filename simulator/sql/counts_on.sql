select database_name, row_counts from simulator.days where day = %s order by database_name
