-- What the jobs of the last days cost, by database and step, the dearest first.
select
    database,
    step,
    count(*) as jobs,
    countif(error is not null) as failed,
    sum(bytes_processed) as bytes_processed,
    sum(bytes_billed) as bytes_billed,
    round(sum(slot_seconds), 1) as slot_seconds
from ops.costs
where created_at >= timestamp_sub(current_timestamp(), interval cast(@days as int64) day)
group by database, step
order by bytes_billed desc, slot_seconds desc, jobs desc
