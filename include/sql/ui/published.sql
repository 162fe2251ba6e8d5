-- The newest 30 publications, rollbacks too; the first one is what readers see.
select
    version,
    run_id,
    day,
    as_of,
    tables,
    row_count,
    kind,
    published_by,
    why,
    published_at
from ops.published
order by published_at desc
limit 30
