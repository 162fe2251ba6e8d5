select get_lock('simulator', 0)
