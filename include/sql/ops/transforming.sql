-- The days of a database whose marts are being built by a run, or were when it failed.
select
    dump_date,
    run_id
from (
    select
        dump_date,
        run_id,
        state
    from ops.runs
    where database = @database
    qualify row_number() over (partition by dump_date order by recorded_at desc) = 1
) as newest
where state = 'transforming'
order by dump_date
