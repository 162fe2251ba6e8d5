select table_name from information_schema.tables where table_schema = %s and table_name = 'living_databases'
