-- By database, how the rules of each layer ended when it was checked last, not longer ago than a day.
-- All results of a checkpoint have one time.
with checkpoints as (
    select
        database,
        layer,
        dump_date,
        checked_at,
        countif(status = 'passed') as passed,
        countif(status in ('failed', 'error')) as failed
    from ops.quality_results
    where dump_date >= cast(@since as date)
    group by database, layer, dump_date, checked_at
)

select
    database,
    layer,
    dump_date,
    passed,
    failed
from checkpoints
where true
qualify row_number() over (partition by database, layer order by dump_date desc, checked_at desc) = 1
