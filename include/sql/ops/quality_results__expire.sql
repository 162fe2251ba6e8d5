-- By a delete and not by its partitions, which are the days of dumps: a backfill of old days would vanish at once.
delete from ops.quality_results
where checked_at < timestamp_sub(current_timestamp(), interval cast(@days as int64) day)
