-- By database, the newest dump up to a day whose marts are built and checked.
select
    database,
    dump_date,
    run_id,
    dump_uri,
    dump_generation,
    row_count,
    landed_at
from ops.landings
where dump_date <= cast(@day as date)
qualify row_number() over (partition by database order by dump_date desc) = 1
