-- Lets BigQuery remove each partition so many days after its own; what is older goes at once.
alter table ops.$table set options (partition_expiration_days = $days)
