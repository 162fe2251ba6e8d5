select rule, detail from simulator.breaks where database_name = %s order by rule
