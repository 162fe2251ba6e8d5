select database_name, app, origin, seed, scale, simulated_day
from simulator.living_databases
order by database_name
